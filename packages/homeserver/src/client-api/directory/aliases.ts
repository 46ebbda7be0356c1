import { getLocalAliases } from '@hearth/api/client/directory/aliases.ts';
import { type Route, route } from '../../http/route.ts';
import { type AccessDeps, roomAccess } from '../../rooms/access.ts';
import type { Aliases } from '../../rooms/aliases.ts';

/** Returns the route of `GET /rooms/{roomId}/aliases`. */
export function roomAliasesRoutes(deps: AccessDeps & { readonly aliases: Aliases }): Route[] {
  return [
    route(getLocalAliases, async ({ params, caller }) => {
      const { head } = await roomAccess(deps, params.roomId, caller.user);
      return { aliases: (await deps.aliases.ofRoom(head.num)).map(({ alias }) => alias) };
    }),
  ];
}
