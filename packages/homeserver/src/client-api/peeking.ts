import { peekRoom } from '@hearth/api/client/room-membership/peek.ts';
import { unpeekRoom } from '@hearth/api/client/room-membership/unpeek.ts';
import { type Route, route } from '../http/route.ts';
import type { Aliases } from '../rooms/aliases.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Peeks } from '../sync/peeks.ts';
import { byIdOrAlias } from './rooms/membership.ts';

export interface PeekingDeps {
  readonly heads: Heads;
  readonly aliases: Aliases;
  readonly peeks: Peeks;
}

/** Returns the routes for peeking into rooms by `/sync` without joining them (MSC2753). */
export function peekingRoutes(deps: PeekingDeps): Route[] {
  return [
    route(peekRoom, async ({ params, caller }) => {
      const head = await byIdOrAlias(deps, params.roomIdOrAlias);
      await deps.peeks.begin(caller, head);
      return { room_id: head.roomId };
    }),
    route(unpeekRoom, async ({ params, caller }) => {
      await deps.peeks.end(caller.device, (await deps.heads.get(params.roomId)).num);
      return {};
    }),
  ];
}
