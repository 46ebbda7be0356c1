import { getEventRelationships } from '@hearth/api/client/rooms/event-relationships.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { EventRelationships } from '../../timeline/event-relationships.ts';
import { addToUnsigned, MODERN_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';

/** Returns the route of `POST /event_relationships` (MSC2836). */
export function eventRelationshipsRoutes(
  readers: RoomReaders,
  relationships: EventRelationships,
  renderer: EventRenderer,
): Route[] {
  return [
    route(getEventRelationships, async ({ body, caller }) => {
      const reader = await readers.reader(caller);
      const target = { eventId: body.event_id, roomId: body.room_id ?? undefined };
      const { shown, summaries, limited } = await relationships.around(reader, target, body);
      const texts = await renderer.render(reader, shown, MODERN_FORMAT);
      const events = texts.map((text, i) => addToUnsigned(text, summaries[i] ?? ''));
      return new RawJson(`{"events":[${events.join(',')}],"limited":${limited}}`);
    }),
  ];
}
