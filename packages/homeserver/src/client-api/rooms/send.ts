import { legacySendMessage, sendMessage } from '@hearth/api/client/rooms/send.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Route, route } from '../../http/route.ts';
import { transactionKey } from '../../rooms/events/transaction-key.ts';
import type { Sender } from '../../rooms/send.ts';
import { eventIdReply, parseSendTimes, parseTs } from '../support/sending.ts';

/**
 * Returns the routes of `PUT /rooms/{roomId}/send/{eventType}/{txnId}` and `POST /rooms/{roomId}/send/{eventType}`.
 */
export function sendRoutes(sender: Sender, delayedEvents: DelayedEvents): Route[] {
  return [
    route(sendMessage, async ({ params, body, query, caller }) => {
      const { roomId, eventType, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'send', eventType], txnId);
      const { stickyMs, delayMs } = parseSendTimes(query);
      const delayId = body === undefined && delayMs !== undefined ? delayedEvents.answered(transaction) : undefined;
      if (delayId !== undefined) return { delay_id: delayId };
      if (body === undefined) return eventIdReply(await sender.repeat(transaction));
      if (delayMs !== undefined) {
        const draft = { roomId, type: eventType, content: body, stickyMs, delayMs, transaction };
        return { delay_id: await delayedEvents.schedule(caller, draft) };
      }
      return eventIdReply(
        await sender.message(roomId, eventType, body, {
          sender: caller,
          transaction,
          stickyMs,
          ...parseTs(query, caller),
        }),
      );
    }),
    route(legacySendMessage, async ({ params, body, caller }) =>
      eventIdReply(await sender.message(params.roomId, params.eventType, body, { sender: caller })),
    ),
  ];
}
