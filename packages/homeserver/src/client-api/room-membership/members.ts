import { getMembersByRoom } from '@hearth/api/client/room-membership/members.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { isWantedMember, type Members } from '../../timeline/members.ts';
import { MODERN_FORMAT } from '../../timeline/render/client-form.ts';
import type { StateTexts } from '../../timeline/render/state-text.ts';

/** Returns the route of `GET /rooms/{roomId}/members`. */
export function membersRoutes(readers: RoomReaders, members: Members, stateTexts: StateTexts): Route[] {
  return [
    route(getMembersByRoom, async ({ params, query, caller }) => {
      const access = await readers.access(params.roomId, caller.user);
      const nums = await members.eventNums(access, query.at);
      const reader = await readers.reader(caller);
      const isWanted = (event: StoredEvent) => isWantedMember(event, query);
      const text = await stateTexts.text(reader, nums, { format: MODERN_FORMAT, isWanted });
      return jsonAnswer(concat('{"chunk":[', text, ']}'));
    }),
  ];
}
