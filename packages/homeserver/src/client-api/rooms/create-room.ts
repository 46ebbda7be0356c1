import { createRoom as createRoomEndpoint } from '@hearth/api/client/rooms/create-room.ts';
import { threepidDenied } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import { type CreateDeps, createRoom } from '../../rooms/create.ts';

/** Creating rooms. */
export function createRoomRoutes(deps: CreateDeps): Route[] {
  return [
    route(createRoomEndpoint, async ({ body, caller }) => {
      if ((body.invite_3pid ?? []).length > 0) throw threepidDenied('This server knows no third-party identifiers');
      const { roomId, alias } = await createRoom(deps, caller.userId, body);
      return { room_id: roomId, ...(alias === undefined ? {} : { room_alias: alias }) };
    }),
  ];
}
