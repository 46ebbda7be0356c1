import {
  createRoom as createRoomEndpoint,
  upgradeRoom as upgradeRoomEndpoint,
} from '@hearth/api/client/rooms/create-room.ts';
import { threepidDenied } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import { type CreateDeps, createRoom } from '../../rooms/create.ts';
import { upgradeRoom } from '../../rooms/upgrade.ts';

/** Creating rooms and replacing them. */
export function createRoomRoutes(deps: CreateDeps): Route[] {
  return [
    route(createRoomEndpoint, async ({ body, caller }) => {
      if ((body.invite_3pid ?? []).length > 0) throw threepidDenied('This server knows no third-party identifiers');
      const { roomId, alias } = await createRoom(deps, caller, body);
      return { room_id: roomId, ...(alias === undefined ? {} : { room_alias: alias }) };
    }),
    route(upgradeRoomEndpoint, async ({ params, body, caller }) => {
      const head = await deps.heads.get(params.roomId);
      const request = {
        userId: caller.userId,
        newVersion: body.new_version,
        additionalCreators: body.additional_creators,
      };
      return { replacement_room: await upgradeRoom(deps, head, request) };
    }),
  ];
}
