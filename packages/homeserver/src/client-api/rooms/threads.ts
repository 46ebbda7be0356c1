import { getThreadRoots } from '@hearth/api/client/rooms/threads.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { type Route, route } from '../../http/route.ts';
import { roomAccess } from '../../rooms/access.ts';
import type { ContextDeps } from '../../timeline/context.ts';
import { readerOf } from '../../timeline/hydrate.ts';
import { threadsPage } from '../../timeline/relations.ts';
import { relationsReply } from '../support/relations-reply.ts';

/** Returns the route of `GET /rooms/{roomId}/threads`. */
export function threadsRoutes(deps: ContextDeps & { readonly ignoredUsers: IgnoredUsers }): Route[] {
  return [
    route(getThreadRoots, async ({ params, query, caller }) => {
      const { head } = await roomAccess(deps, params.roomId, caller.user);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      return relationsReply(deps, reader, await threadsPage(deps, reader, head.num, query));
    }),
  ];
}
