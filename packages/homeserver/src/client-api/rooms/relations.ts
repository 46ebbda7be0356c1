import {
  getRelatingEvents,
  getRelatingEventsWithRelType,
  getRelatingEventsWithRelTypeAndEventType,
} from '@hearth/api/client/rooms/relations.ts';
import { type Caller, type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { RelatedEvents, RelationsQuery } from '../../timeline/relations.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import { relationsReply } from '../support/relations-reply.ts';

/** Returns the routes of `GET /rooms/{roomId}/relations/{eventId}` and the paths below. */
export function relationsRoutes(readers: RoomReaders, related: RelatedEvents, renderer: EventRenderer): Route[] {
  const relations = async (caller: Caller, target: { roomId: string; eventId: string }, query: RelationsQuery) => {
    await readers.access(target.roomId, caller.user);
    const reader = await readers.reader(caller);
    return relationsReply(renderer, reader, await related.page(reader, target, query));
  };
  return [
    route(getRelatingEvents, ({ params, query, caller }) => relations(caller, params, query)),
    route(getRelatingEventsWithRelType, ({ params, query, caller }) =>
      relations(caller, params, { ...query, relType: params.relType }),
    ),
    route(getRelatingEventsWithRelTypeAndEventType, ({ params, query, caller }) =>
      relations(caller, params, { ...query, relType: params.relType, eventType: params.eventType }),
    ),
  ];
}
