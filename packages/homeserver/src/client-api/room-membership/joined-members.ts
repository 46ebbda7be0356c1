import { getJoinedMembersByRoom } from '@hearth/api/client/room-membership/joined-members.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import { roomAccess } from '../../rooms/access.ts';
import { isWantedMember, type MembersDeps, memberEventNums } from '../../timeline/members.ts';

/** Returns the route of `GET /rooms/{roomId}/joined_members`. */
export function joinedMembersRoutes(deps: MembersDeps): Route[] {
  return [
    route(getJoinedMembersByRoom, async ({ params, caller }) => {
      const access = await roomAccess(deps, params.roomId, caller.user);
      if (access.kind === 'past') throw forbidden('You are not in this room');
      const events = await deps.events.list(await memberEventNums(deps, access, undefined));
      const members = events.filter((event) => isWantedMember(event, { membership: 'join' }));
      const entries = members.map(({ stateKey = '', content }) => [
        stateKey,
        {
          // Some clients reject an answer in which a member is missing, so unknown values are null.
          display_name: typeof content.displayname === 'string' ? content.displayname : null,
          avatar_url: typeof content.avatar_url === 'string' ? content.avatar_url : null,
        },
      ]);
      return { joined: Object.fromEntries(entries) };
    }),
  ];
}
