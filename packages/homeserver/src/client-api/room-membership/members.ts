import { getMembersByRoom } from '@hearth/api/client/room-membership/members.ts';
import type { IgnoredUsers } from '../../account-data/ignored-users.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import { roomAccess } from '../../rooms/access.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { MODERN_FORMAT } from '../../timeline/client-form.ts';
import { readerOf } from '../../timeline/hydrate.ts';
import { isWantedMember, type MembersDeps, memberEventNums } from '../../timeline/members.ts';
import { type StateTextDeps, stateText } from '../../timeline/state-text.ts';

/** Returns the route of `GET /rooms/{roomId}/members`. */
export function membersRoutes(members: MembersDeps, states: StateTextDeps, ignoredUsers: IgnoredUsers): Route[] {
  return [
    route(getMembersByRoom, async ({ params, query, caller }) => {
      const access = await roomAccess(members, params.roomId, caller.user);
      const events = await memberEventNums(members, access, query.at);
      const reader = readerOf(caller, await ignoredUsers.of(caller.user));
      const isWanted = (event: StoredEvent) => isWantedMember(event, query);
      const text = await stateText(states, reader, events, { format: MODERN_FORMAT, isWanted });
      return jsonAnswer(concat('{"chunk":[', text, ']}'));
    }),
  ];
}
