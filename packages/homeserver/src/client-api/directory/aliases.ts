import { getLocalAliases } from '@hearth/api/client/directory/aliases.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomReaders } from '../../rooms/access.ts';
import type { Aliases } from '../../rooms/aliases.ts';

/** Returns the route of `GET /rooms/{roomId}/aliases`. */
export function roomAliasesRoutes(readers: RoomReaders, aliases: Aliases): Route[] {
  return [
    route(getLocalAliases, async ({ params, caller }) => {
      const { head } = await readers.access(params.roomId, caller.user);
      return { aliases: (await aliases.ofRoom(head.num)).map(({ alias }) => alias) };
    }),
  ];
}
