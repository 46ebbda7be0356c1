import { legacyRedactEvent, redactEvent } from '@hearth/api/client/rooms/redact.ts';
import { legacySendMessage, sendMessage } from '@hearth/api/client/rooms/send.ts';
import { setRoomState, setRoomStateWithKey } from '@hearth/api/client/rooms/state.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Caller, type Route, route } from '../../http/route.ts';
import { transactionKey } from '../../rooms/events/transaction-key.ts';
import type { Sender } from '../../rooms/send.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';

export interface SendRouteDeps {
  readonly sender: Sender;
  readonly delayedEvents: DelayedEvents;
}

interface SendQuery {
  readonly 'org.matrix.msc4140.delay'?: number | undefined;
  readonly 'org.matrix.msc4354.sticky_duration_ms'?: number | undefined;
}

interface StateCall {
  readonly params: { readonly roomId: string; readonly eventType: string };
  readonly body: JsonObject;
  readonly query: SendQuery;
  readonly caller: Caller;
}

/** Returns the routes for sending message events, state events and redactions. */
export function sendRoutes({ sender, delayedEvents }: SendRouteDeps): Route[] {
  const setState = async ({ params, body, query, caller }: StateCall, stateKey: string): Promise<JsonObject> => {
    const { roomId, eventType: type } = params;
    const { stickyMs, delayMs } = timesOf(query);
    if (delayMs === undefined)
      return eventIdOf(await sender.state(roomId, [type, stateKey], body, { sender: caller, stickyMs }));
    return {
      delay_id: await delayedEvents.schedule(caller, { roomId, type, stateKey, content: body, stickyMs, delayMs }),
    };
  };
  return [
    route(sendMessage, async ({ params, body, query, caller }) => {
      const { roomId, eventType, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'send', eventType], txnId);
      if (body === undefined) return eventIdOf(await sender.repeat(transaction));
      const { stickyMs, delayMs } = timesOf(query);
      if (delayMs !== undefined) {
        const draft = { roomId, type: eventType, content: body, stickyMs, delayMs, transaction };
        return { delay_id: await delayedEvents.schedule(caller, draft) };
      }
      return eventIdOf(await sender.message(roomId, eventType, body, { sender: caller, transaction, stickyMs }));
    }),
    route(legacySendMessage, async ({ params, body, caller }) =>
      eventIdOf(await sender.message(params.roomId, params.eventType, body, { sender: caller })),
    ),
    route(setRoomStateWithKey, (call) => setState(call, call.params.stateKey)),
    route(setRoomState, (call) => setState(call, '')),
    route(redactEvent, async ({ params, body, caller }) => {
      const { roomId, eventId, txnId } = params;
      const transaction = transactionKey(caller.device, [roomId, 'redact', eventId], txnId);
      const sending = { sender: caller, transaction, onlyOwn: caller.isSuspended };
      return eventIdOf(await sender.redact(roomId, eventId, contentOf(body), sending));
    }),
    route(legacyRedactEvent, async ({ params, body, caller }) => {
      const sending = { sender: caller, onlyOwn: caller.isSuspended };
      return eventIdOf(await sender.redact(params.roomId, params.eventId, contentOf(body), sending));
    }),
  ];
}

/** The maximum time that an event is sticky (MSC4354). */
const STICKY_MS_MAX = 60 * 60_000;

/** Returns how long the event is sticky, and the delay after which it is sent, in milliseconds. */
function timesOf(query: SendQuery): { stickyMs: number | undefined; delayMs: number | undefined } {
  const { 'org.matrix.msc4354.sticky_duration_ms': duration, 'org.matrix.msc4140.delay': delayMs } = query;
  return { stickyMs: duration === undefined ? undefined : Math.min(duration, STICKY_MS_MAX), delayMs };
}

function eventIdOf(event: StoredEvent): JsonObject {
  return { event_id: event.eventId };
}

function contentOf(body: { [key: string]: unknown }): JsonObject {
  return body as JsonObject;
}
