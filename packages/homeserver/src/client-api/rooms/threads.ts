import { getThreadRoots } from '@hearth/api/client/rooms/threads.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { EventRenderer } from '../../timeline/render/event-renderer.ts';
import type { Threads } from '../../timeline/threads.ts';
import { relationsReply } from '../support/relations-reply.ts';

/** Returns the route of `GET /rooms/{roomId}/threads`. */
export function threadsRoutes(readers: RoomReaders, threads: Threads, renderer: EventRenderer): Route[] {
  return [
    route(getThreadRoots, async ({ params, query, caller }) => {
      const { head } = await readers.access(params.roomId, caller.user);
      const reader = await readers.reader(caller);
      return relationsReply(renderer, reader, await threads.page(reader, head.num, query));
    }),
  ];
}
