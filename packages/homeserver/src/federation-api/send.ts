import { sendTransaction } from '@hearth/api/federation/send.ts';
import { badJson } from '@hearth/protocol/errors.ts';
import type { ReceivedEdus } from '../federation/receiving/received-edus.ts';
import { type Route, route } from '../http/route.ts';
import type { PeekRequests } from '../rooms/peeking/peek-requests.ts';
import type { Staging } from '../rooms/receive/staging.ts';

/** The limits of a transaction (server-server API, "Transactions"). */
const PDUS_MAX = 50;
const EDUS_MAX = 100;

/**
 * Returns the route of `PUT /send/{txnId}`. It answers when everything that it accepts is on disk. PDUs are
 * processed later.
 */
export function sendTransactionRoutes(staging: Staging, edus: ReceivedEdus, peeks: PeekRequests): Route[] {
  return [
    route(sendTransaction, async ({ origin, body }) => {
      if ((body.pdus?.length ?? 0) > PDUS_MAX) throw badJson(`A transaction has at most ${PDUS_MAX} PDUs`);
      if ((body.edus?.length ?? 0) > EDUS_MAX) throw badJson(`A transaction has at most ${EDUS_MAX} EDUs`);
      const [pdus] = await Promise.all([staging.add(origin, body.pdus ?? []), edus.receive(origin, body.edus ?? [])]);
      for (const { room_id: roomId } of body.expired_peeks ?? []) peeks.expired(origin, roomId);
      return { pdus };
    }),
  ];
}
