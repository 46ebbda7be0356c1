import { getOneRoomEvent } from '@hearth/api/client/rooms/event.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { type ContextDeps, readableEvent } from '../../timeline/context.ts';
import { hydrate, readerOf } from '../../timeline/hydrate.ts';

/** Returns the route of `GET /rooms/{roomId}/event/{eventId}`. */
export function roomEventRoutes(deps: ContextDeps & { readonly ignoredUsers: IgnoredUsers }): Route[] {
  return [
    route(getOneRoomEvent, async ({ params, caller }) => {
      const shown = await readableEvent(deps, caller.user, params.eventId, params.roomId);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const [text = ''] = await hydrate(deps, reader, [shown], MODERN_FORMAT);
      return new RawJson(text);
    }),
  ];
}
