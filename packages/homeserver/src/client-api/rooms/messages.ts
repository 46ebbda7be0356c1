import { getRoomEvents } from '@hearth/api/client/rooms/messages.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { parseRoomEventFilterText } from '../../filters/filter.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { type AccessDeps, roomAccess } from '../../rooms/access.ts';
import { LEGACY_FORMAT } from '../../timeline/client-form.ts';
import { type HydrateDeps, hydrate, hydrateState, readerOf } from '../../timeline/hydrate.ts';
import { sendersOf } from '../../timeline/lazy-members.ts';
import { type MessagesDeps, messagesPage } from '../../timeline/messages.ts';

type MessagesRouteDeps = AccessDeps & HydrateDeps & MessagesDeps & { readonly ignoredUsers: IgnoredUsers };

/** Returns the route of `GET /rooms/{roomId}/messages`. */
export function messagesRoutes(deps: MessagesRouteDeps): Route[] {
  return [
    route(getRoomEvents, async ({ params, query, caller }) => {
      const filter = query.filter === undefined ? undefined : parseRoomEventFilterText(query.filter);
      const access = await roomAccess(deps, params.roomId, caller.user);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const { dir } = query;
      if (dir === undefined) throw missingParam("Missing query parameter 'dir'");
      const page = await messagesPage(deps, reader, access, { ...query, dir, filter });
      const chunk = await hydrate(deps, reader, page.shown, LEGACY_FORMAT);
      const members =
        filter?.lazy_load_members === true
          ? await sendersOf(
              deps,
              page.shown.map(({ event }) => event),
            )
          : [];
      const state = await hydrateState(deps, reader, members, LEGACY_FORMAT);
      const end = page.end === undefined ? '' : `,"end":${JSON.stringify(page.end)}`;
      const stateText = state.length === 0 ? '' : `,"state":[${state.join(',')}]`;
      return new RawJson(`{"start":${JSON.stringify(page.start)}${end},"chunk":[${chunk.join(',')}]${stateText}}`);
    }),
  ];
}
