import {
  getRelatingEvents,
  getRelatingEventsWithRelType,
  getRelatingEventsWithRelTypeAndEventType,
} from '@hearth/api/client/rooms/relations.ts';
import { getThreadRoots } from '@hearth/api/client/rooms/threads.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { type Caller, RawJson, type Route, route } from '../../http/route.ts';
import { roomAccess } from '../../rooms/access.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import type { ContextDeps } from '../../timeline/context.ts';
import { hydrate, type Reader, readerOf } from '../../timeline/hydrate.ts';
import { type RelationsPage, type RelationsQuery, relationsPage, threadsPage } from '../../timeline/relations.ts';

/** Returns the routes for related events and threads. */
export function relationRoutes(deps: ContextDeps & { readonly ignoredUsers: IgnoredUsers }): Route[] {
  const reply = async (reader: Reader, { shown, nextBatch, depth }: RelationsPage) => {
    const chunk = await hydrate(deps, reader, shown, MODERN_FORMAT);
    const next = nextBatch === undefined ? '' : `,"next_batch":${JSON.stringify(nextBatch)}`;
    const followed = depth === undefined ? '' : `,"recursion_depth":${depth}`;
    return new RawJson(`{"chunk":[${chunk.join(',')}]${next}${followed}}`);
  };
  const relations = async (caller: Caller, target: { roomId: string; eventId: string }, query: RelationsQuery) => {
    await roomAccess(deps, target.roomId, caller.user);
    const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
    return reply(reader, await relationsPage(deps, reader, target, query));
  };
  return [
    route(getRelatingEvents, ({ params, query, caller }) => relations(caller, params, query)),
    route(getRelatingEventsWithRelType, ({ params, query, caller }) =>
      relations(caller, params, { ...query, relType: params.relType }),
    ),
    route(getRelatingEventsWithRelTypeAndEventType, ({ params, query, caller }) =>
      relations(caller, params, { ...query, relType: params.relType, eventType: params.eventType }),
    ),
    route(getThreadRoots, async ({ params, query, caller }) => {
      const { head } = await roomAccess(deps, params.roomId, caller.user);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      return reply(reader, await threadsPage(deps, reader, head.num, query));
    }),
  ];
}
