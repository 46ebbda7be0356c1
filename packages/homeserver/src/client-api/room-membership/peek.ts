import { peekRoom } from '@hearth/api/client/room-membership/peek.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Peeks } from '../../sync/select/peeks.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

/** Returns the route of `POST /peek/{roomIdOrAlias}`: `/sync` then contains the room (MSC2753). */
export function peekRoutes(heads: Heads, aliases: Aliases, peeks: Peeks): Route[] {
  return [
    route(peekRoom, async ({ params, caller }) => {
      const head = await roomByIdOrAlias(heads, aliases, params.roomIdOrAlias);
      await peeks.begin(caller, head);
      return { room_id: head.roomId };
    }),
  ];
}
