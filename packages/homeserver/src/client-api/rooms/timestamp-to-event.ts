import { getEventByTimestamp } from '@hearth/api/client/rooms/timestamp-to-event.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { ReadableEvents } from '../../timeline/readable-events.ts';

/** Returns the route of `GET /rooms/{roomId}/timestamp_to_event`. */
export function timestampToEventRoutes(readers: RoomReaders, readable: ReadableEvents): Route[] {
  return [
    route(getEventByTimestamp, async ({ params, query, caller }) => {
      const access = await readers.access(params.roomId, caller.user);
      const event = await readable.closest(caller.user, access, query);
      if (event === undefined) throw notFound('There is no event in that direction');
      return { event_id: event.eventId, origin_server_ts: event.ts };
    }),
  ];
}
