import { peekRoom } from '@hearth/api/client/room-membership/peek.ts';
import type { Directories } from '../../directory/directories.ts';
import { type Route, route } from '../../http/route.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Peeks } from '../../sync/select/peeks.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the route of `POST /peek/{roomIdOrAlias}`: `/sync` then contains the room (MSC2753). */
export function peekRoutes(heads: Heads, directories: Directories, peeks: Peeks): Route[] {
  return [
    route(peekRoom, async ({ params, caller }) => {
      const { roomId } = await roomByIdOrAlias(directories, params.roomIdOrAlias);
      const head = await heads.get(roomId);
      await peeks.begin(caller, head);
      return { room_id: head.roomId };
    }),
  ];
}
