import { knockRoom } from '@hearth/api/client/room-membership/knock.ts';
import { type Route, route } from '../../http/route.ts';
import type { Aliases } from '../../rooms/aliases.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { Memberships } from '../../rooms/membership/membership.ts';
import { roomByIdOrAlias } from '../support/find-room.ts';

export interface KnockDeps {
  readonly heads: Heads;
  readonly aliases: Aliases;
  readonly joining: Memberships;
}

/** Returns the route of `POST /knock/{roomIdOrAlias}`. */
export function knockRoutes(deps: KnockDeps): Route[] {
  return [
    route(knockRoom, async ({ params, body, caller }) => {
      const head = await roomByIdOrAlias(deps, params.roomIdOrAlias);
      await deps.joining.knock(head, caller, body.reason);
      return { room_id: head.roomId };
    }),
  ];
}
