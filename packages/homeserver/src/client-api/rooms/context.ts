import { getEventContext } from '@hearth/api/client/rooms/context.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { parseRoomEventFilterText } from '../../filters/filter.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import { roomAccess } from '../../rooms/access.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { type ContextDeps, eventContext, readableEvent } from '../../timeline/context.ts';
import { hydrate, type Reader, readerOf, type Shown } from '../../timeline/hydrate.ts';
import { stateText } from '../../timeline/state-text.ts';

/** Returns the route of `GET /rooms/{roomId}/context/{eventId}`. */
export function contextRoutes(deps: ContextDeps & { readonly ignoredUsers: IgnoredUsers }): Route[] {
  const list = async (reader: Reader, shown: readonly Shown[]) =>
    `[${(await hydrate(deps, reader, shown, MODERN_FORMAT)).join(',')}]`;
  return [
    route(getEventContext, async ({ params, query, caller }) => {
      const filter = query.filter === undefined ? undefined : parseRoomEventFilterText(query.filter);
      const access = await roomAccess(deps, params.roomId, caller.user);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const target = await readableEvent(deps, caller.user, params.eventId, params.roomId);
      const context = await eventContext(deps, reader, access, target, { limit: query.limit, filter });
      const [event = ''] = await hydrate(deps, reader, [target], MODERN_FORMAT);
      const before = await list(reader, context.before);
      const after = await list(reader, context.after);
      const state = await stateText(deps, reader, context.state, { format: MODERN_FORMAT });
      const tokens = `"start":${JSON.stringify(context.start)},"end":${JSON.stringify(context.end)}`;
      const events = `"event":${event},"events_before":${before},"events_after":${after}`;
      return jsonAnswer(concat(`{${tokens},${events},"state":[`, state, ']}'));
    }),
  ];
}
