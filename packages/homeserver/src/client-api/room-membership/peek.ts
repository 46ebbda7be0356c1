import { peekRoom } from '@hearth/api/client/room-membership/peek.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Peeks } from '../../sync/peeks.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

export interface PeekDeps {
  readonly heads: Heads;
  readonly aliases: Aliases;
  readonly peeks: Peeks;
}

/** Returns the route of `POST /peek/{roomIdOrAlias}`: `/sync` then contains the room (MSC2753). */
export function peekRoutes(deps: PeekDeps): Route[] {
  return [
    route(peekRoom, async ({ params, caller }) => {
      const head = await roomByIdOrAlias(deps, params.roomIdOrAlias);
      await deps.peeks.begin(caller, head);
      return { room_id: head.roomId };
    }),
  ];
}
