import {
  getRelatingEvents,
  getRelatingEventsWithRelType,
  getRelatingEventsWithRelTypeAndEventType,
} from '@hearth/api/client/rooms/relations.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { type Caller, type Route, route } from '../../http/route.ts';
import { roomAccess } from '../../rooms/access.ts';
import type { ContextDeps } from '../../timeline/context.ts';
import { readerOf } from '../../timeline/hydrate.ts';
import { type RelationsQuery, relationsPage } from '../../timeline/relations.ts';
import { relationsReply } from '../support/relations-reply.ts';

/** Returns the routes of `GET /rooms/{roomId}/relations/{eventId}` and the paths below. */
export function relationsRoutes(deps: ContextDeps & { readonly ignoredUsers: IgnoredUsers }): Route[] {
  const relations = async (caller: Caller, target: { roomId: string; eventId: string }, query: RelationsQuery) => {
    await roomAccess(deps, target.roomId, caller.user);
    const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
    return relationsReply(deps, reader, await relationsPage(deps, reader, target, query));
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
