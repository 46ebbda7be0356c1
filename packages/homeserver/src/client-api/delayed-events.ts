import { cancelDelayedEvent } from '@hearth/api/client/delayed-events/cancel.ts';
import { getDelayedEvents, updateDelayedEvent } from '@hearth/api/client/delayed-events/delayed-events.ts';
import { restartDelayedEvent } from '@hearth/api/client/delayed-events/restart.ts';
import { sendDelayedEvent } from '@hearth/api/client/delayed-events/send.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { DelayedEvents } from '../delayed-events/delayed-events.ts';
import { type Route, route } from '../http/route.ts';
import type { DelayedEventRow } from '../storage/rooms/events/delayed-events.ts';

/** Returns the routes for delayed events (MSC4140). */
export function delayedEventRoutes({ delayedEvents }: { readonly delayedEvents: DelayedEvents }): Route[] {
  const act = async (action: 'cancel' | 'restart' | 'send', delayId: string) => {
    await delayedEvents[action](delayId);
    return {};
  };
  return [
    route(getDelayedEvents, ({ caller }) => ({ delayed_events: delayedEvents.of(caller.user).map(shown) })),
    route(updateDelayedEvent, ({ params, body }) => act(body.action, params.delayId)),
    route(cancelDelayedEvent, ({ params }) => act('cancel', params.delayId)),
    route(restartDelayedEvent, ({ params }) => act('restart', params.delayId)),
    route(sendDelayedEvent, ({ params }) => act('send', params.delayId)),
  ];
}

function shown({ id, room_id, type, state_key, content, delay_ms, send_ts }: DelayedEventRow): JsonObject {
  return {
    delay_id: id,
    room_id,
    type,
    ...(state_key === null ? {} : { state_key }),
    delay: delay_ms,
    running_since: send_ts - delay_ms,
    content: JSON.parse(content) as JsonObject,
  };
}
