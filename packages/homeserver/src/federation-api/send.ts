import { sendTransaction } from '@hearth/api/federation/send.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';
import type { ReceivedEdus } from '../to-device/received-edus.ts';

/** The limits of a transaction (server-server API, "Transactions"). */
const PDUS_MAX = 50;
const EDUS_MAX = 100;

/**
 * Returns the route of `PUT /send/{txnId}`. It answers when everything that it accepts is on disk. PDUs are left out of
 * the answer, because no room is shared with other servers yet.
 */
export function sendTransactionRoutes(edus: ReceivedEdus): Route[] {
  return [
    route(sendTransaction, async ({ origin, body }) => {
      if ((body.pdus?.length ?? 0) > PDUS_MAX) throw badJson(`A transaction has at most ${PDUS_MAX} PDUs`);
      if ((body.edus?.length ?? 0) > EDUS_MAX) throw badJson(`A transaction has at most ${EDUS_MAX} EDUs`);
      await edus.receive(origin, body.edus ?? []);
      return { pdus: {} };
    }),
  ];
}
