import { createRoom as createRoomEndpoint } from '@hearth/api/client/rooms/create-room.ts';
import { upgradeRoom as upgradeRoomEndpoint } from '@hearth/api/client/rooms/upgrade.ts';
import { threepidDenied } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomCreation } from '../../rooms/creation/create.ts';
import type { RoomUpgrades } from '../../rooms/creation/upgrade.ts';
import type { Heads } from '../../rooms/heads.ts';

/** The number of events of every new room, without the one that the request itself counts for. */
const INITIAL_EVENTS = 6;

/** Returns the routes for creating and upgrading rooms. */
export function createRoomRoutes(creation: RoomCreation, upgrades: RoomUpgrades, heads: Heads): Route[] {
  return [
    route(createRoomEndpoint, async ({ body, caller, spend }) => {
      if ((body.invite_3pid ?? []).length > 0) throw threepidDenied('This server knows no third-party identifiers');
      const invites = body.invite?.length ?? 0;
      spend('invite', invites);
      spend('event', INITIAL_EVENTS + (body.initial_state?.length ?? 0) + invites);
      const { roomId, alias } = await creation.create(caller, body);
      return { room_id: roomId, ...(alias === undefined ? {} : { room_alias: alias }) };
    }),
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
