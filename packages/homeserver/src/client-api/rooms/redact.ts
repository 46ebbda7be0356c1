import { legacyRedactEvent, redactEvent } from '@hearth/api/client/rooms/redact.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../../http/route.ts';
import { transactionKey } from '../../rooms/events/transaction-key.ts';
import type { Sender } from '../../rooms/send.ts';
import { eventIdReply } from '../support/sending.ts';

/**
 * Returns the routes of `PUT /rooms/{roomId}/redact/{eventId}/{txnId}` and `POST /rooms/{roomId}/redact/{eventId}`.
 */
export function redactRoutes(sender: Sender): Route[] {
  return [
    route(redactEvent, async ({ params, body, caller }) => {
      const { roomId, eventId, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'redact', eventId], txnId);
      const sending = { sender: caller, transaction, onlyOwn: caller.isSuspended };
      return eventIdReply(await sender.redact(roomId, eventId, contentOf(body), sending));
    }),
    route(legacyRedactEvent, async ({ params, body, caller }) => {
      const sending = { sender: caller, onlyOwn: caller.isSuspended };
      return eventIdReply(await sender.redact(params.roomId, params.eventId, contentOf(body), sending));
    }),
  ];
}

function contentOf(body: { [key: string]: unknown }): JsonObject {
  return body as JsonObject;
}
