import { getEventByTimestampForServer } from '@hearth/api/federation/rooms/timestamp-to-event.ts';
import { type Route, route } from '../../http/route.ts';
import type { ServedEvents } from '../../rooms/serving/served-events.ts';

/** Returns the route of `GET /timestamp_to_event/{roomId}` (server-server API, "Retrieving events"). */
export function servedTimestampRoutes(events: ServedEvents): Route[] {
  return [
    route(getEventByTimestampForServer, async ({ origin, params, query }) => {
      const event = await events.closest(origin, params.roomId, query.ts, query.dir);
      return { event_id: event.eventId, origin_server_ts: event.ts };
    }),
  ];
}
