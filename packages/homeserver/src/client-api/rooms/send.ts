import {
  legacyRedactEvent,
  legacySendMessage,
  redactEvent,
  sendMessage,
  setRoomState,
  setRoomStateWithKey,
} from '@hearth/api/client/rooms/send.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Caller, type Route, route } from '../../http/route.ts';
import type { Sender } from '../../rooms/send.ts';
import { transactionKey } from '../../rooms/transaction-key.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';

/** Sending message events, state events and redactions. */
export function sendRoutes({ sender }: { readonly sender: Sender }): Route[] {
  const setState = async (caller: Caller, roomId: string, key: readonly [string, string], content: JsonObject) =>
    eventIdOf(await sender.state(roomId, key, content, { sender: caller.userId }));
  return [
    route(sendMessage, async ({ params, body, caller }) => {
      const { roomId, eventType, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'send', eventType], txnId);
      return eventIdOf(await sender.message(roomId, eventType, body, { sender: caller.userId, transaction }));
    }),
    route(legacySendMessage, async ({ params, body, caller }) =>
      eventIdOf(await sender.message(params.roomId, params.eventType, body, { sender: caller.userId })),
    ),
    route(setRoomStateWithKey, ({ params, body, caller }) =>
      setState(caller, params.roomId, [params.eventType, params.stateKey], body),
    ),
    route(setRoomState, ({ params, body, caller }) => setState(caller, params.roomId, [params.eventType, ''], body)),
    route(redactEvent, async ({ params, body, caller }) => {
      const { roomId, eventId, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'redact', eventId], txnId);
      return eventIdOf(await sender.redact(roomId, eventId, contentOf(body), { sender: caller.userId, transaction }));
    }),
    route(legacyRedactEvent, async ({ params, body, caller }) =>
      eventIdOf(await sender.redact(params.roomId, params.eventId, contentOf(body), { sender: caller.userId })),
    ),
  ];
}

function eventIdOf(event: StoredEvent): JsonObject {
  return { event_id: event.eventId };
}

function contentOf(body: { [key: string]: unknown }): JsonObject {
  return body as JsonObject;
}
