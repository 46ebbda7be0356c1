import { getDelayedEvents, updateDelayedEvent } from '@hearth/api/client/delayed-events/delayed-events.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { DelayedEvents } from '../../delayed-events/delayed-events.ts';
import { type Route, route } from '../../http/route.ts';
import type { DelayedEventRow } from '../../storage/rooms/events/delayed-events.ts';

/** Returns the routes of `GET /delayed_events` and `POST /delayed_events/{delayId}` (MSC4140). */
export function delayedEventsRoutes(delayedEvents: DelayedEvents): Route[] {
  return [
    route(getDelayedEvents, ({ caller }) => ({
      delayed_events: delayedEvents.of(caller.user).map(renderDelayedEvent),
    })),
    route(updateDelayedEvent, async ({ params, body }) => {
      await delayedEvents[body.action](params.delayId);
      return {};
    }),
  ];
}

function renderDelayedEvent({ id, room_id, type, state_key, content, delay_ms, send_ts }: DelayedEventRow): JsonObject {
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
