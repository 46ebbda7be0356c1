import {
  legacyRedactEvent,
  legacySendMessage,
  redactEvent,
  sendMessage,
  setRoomState,
  setRoomStateWithKey,
} from '@hearth/api/client/rooms/send.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Caller, type Route, route } from '../../http/route.ts';
import type { Sender } from '../../rooms/send.ts';
import { transactionKey } from '../../rooms/transaction-key.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';

export interface SendRouteDeps {
  readonly sender: Sender;
  readonly delayedEvents: DelayedEvents;
}

interface StateCall {
  readonly params: { readonly roomId: string; readonly eventType: string };
  readonly body: JsonObject;
  readonly query: { readonly 'org.matrix.msc4140.delay'?: number | undefined };
  readonly caller: Caller;
}

/** Sending message events, state events and redactions. */
export function sendRoutes({ sender, delayedEvents }: SendRouteDeps): Route[] {
  const setState = async ({ params, body, query, caller }: StateCall, stateKey: string): Promise<JsonObject> => {
    const { roomId, eventType: type } = params;
    const delayMs = query['org.matrix.msc4140.delay'];
    if (delayMs === undefined)
      return eventIdOf(await sender.state(roomId, [type, stateKey], body, { sender: caller.userId }));
    return { delay_id: await delayedEvents.schedule(caller, { roomId, type, stateKey, content: body, delayMs }) };
  };
  return [
    route(sendMessage, async ({ params, body, query, caller }) => {
      const { roomId, eventType, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'send', eventType], txnId);
      const delayMs = query['org.matrix.msc4140.delay'];
      if (delayMs !== undefined) {
        const draft = { roomId, type: eventType, content: body, delayMs, transaction };
        return { delay_id: await delayedEvents.schedule(caller, draft) };
      }
      return eventIdOf(await sender.message(roomId, eventType, body, { sender: caller.userId, transaction }));
    }),
    route(legacySendMessage, async ({ params, body, caller }) =>
      eventIdOf(await sender.message(params.roomId, params.eventType, body, { sender: caller.userId })),
    ),
    route(setRoomStateWithKey, (call) => setState(call, call.params.stateKey)),
    route(setRoomState, (call) => setState(call, '')),
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
