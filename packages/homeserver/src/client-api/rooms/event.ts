import { getOneRoomEvent } from '@hearth/api/client/rooms/event.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { ReadableEvents } from '../../timeline/readable-events.ts';
import { MODERN_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';

/** Returns the route of `GET /rooms/{roomId}/event/{eventId}`. */
export function roomEventRoutes(readers: RoomReaders, readable: ReadableEvents, renderer: EventRenderer): Route[] {
  return [
    route(getOneRoomEvent, async ({ params, caller }) => {
      const shown = await readable.find(caller.user, params.eventId, params.roomId);
      const [text = ''] = await renderer.render(await readers.reader(caller), [shown], MODERN_FORMAT);
      return new RawJson(text);
    }),
  ];
}
