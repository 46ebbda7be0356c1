import { peekRoom } from '@hearth/api/client/room-membership/peek.ts';
import { notFound } from '@hearth/protocol/errors.ts';
import type { Directories } from '../../directory/directories.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { Peeks } from '../../sync/select/peeks.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the route of `POST /peek/{roomIdOrAlias}`: `/sync` then contains the room (MSC2753). */
export function peekRoutes(directories: Directories, readers: RoomReaders, peeks: Peeks): Route[] {
  return [
    route(peekRoom, async ({ params, query, caller }) => {
      const { roomId, servers } = await roomByIdOrAlias(directories, params.roomIdOrAlias, query);
      const head = await readers.open(roomId, caller.user, servers);
      if (head === undefined) throw notFound('The room does not exist');
      await peeks.begin(caller, head);
      return { room_id: head.roomId };
    }),
  ];
}
