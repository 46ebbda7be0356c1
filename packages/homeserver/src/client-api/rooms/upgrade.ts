import { upgradeRoom as upgradeRoomEndpoint } from '@hearth/api/client/rooms/upgrade.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomUpgrades } from '../../rooms/creation/upgrade.ts';
import type { Heads } from '../../rooms/heads.ts';

/** Returns the route of `POST /rooms/{roomId}/upgrade`. */
export function upgradeRoutes(upgrades: RoomUpgrades, heads: Heads): Route[] {
  return [
    route(upgradeRoomEndpoint, async ({ params, body, caller }) => {
      const head = await heads.get(params.roomId);
      const request = {
        userId: caller.userId,
        newVersion: body.new_version,
        additionalCreators: body.additional_creators,
      };
      return { replacement_room: await upgrades.upgrade(head, request) };
    }),
  ];
}
