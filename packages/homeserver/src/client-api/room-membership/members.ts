import { getMembersByRoom } from '@hearth/api/client/room-membership/members.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import { roomAccess } from '../../rooms/access.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { type HydrateDeps, readerOf } from '../../timeline/hydrate.ts';
import { isWantedMember, type MembersDeps, memberEventNums } from '../../timeline/members.ts';
import { stateText } from '../../timeline/state-text.ts';

type MembersRouteDeps = HydrateDeps & MembersDeps & { readonly ignoredUsers: IgnoredUsers };

/** Returns the route of `GET /rooms/{roomId}/members`. */
export function membersRoutes(deps: MembersRouteDeps): Route[] {
  return [
    route(getMembersByRoom, async ({ params, query, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      const events = await memberEventNums(deps, access, query.at);
      const reader = readerOf(caller, await deps.ignoredUsers.of(caller.user));
      const isWanted = (event: StoredEvent) => isWantedMember(event, query);
      const text = await stateText(deps, reader, events, { format: MODERN_FORMAT, isWanted });
      return jsonAnswer(concat('{"chunk":[', text, ']}'));
    }),
  ];
}
