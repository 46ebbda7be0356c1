import { getJoinedMembersByRoom } from '@hearth/api/client/room-membership/joined-members.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { isWantedMember, type Members } from '../../timeline/members.ts';

/** Returns the route of `GET /rooms/{roomId}/joined_members`. */
export function joinedMembersRoutes(readers: RoomReaders, members: Members, events: EventStore): Route[] {
  return [
    route(getJoinedMembersByRoom, async ({ params, caller }) => {
      const access = await readers.access(params.roomId, caller.user);
      if (access.kind === 'past') throw forbidden('You are not in this room');
      const all = await events.list(await members.eventNums(access, undefined));
      const joined = all.filter((event) => isWantedMember(event, { membership: 'join' }));
      const entries = joined.map(({ stateKey = '', content }) => [
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
