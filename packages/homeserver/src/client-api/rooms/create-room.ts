import { createRoom as createRoomEndpoint } from '@hearth/api/client/rooms/create-room.ts';
import { threepidDenied } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { RoomCreation } from '../../rooms/creation/create.ts';

/** The number of events of every new room, without the one that the request itself counts for. */
const INITIAL_EVENTS = 6;

/** Returns the route of `POST /createRoom`. */
export function createRoomRoutes(creation: RoomCreation): Route[] {
  return [
    route(createRoomEndpoint, async ({ body, caller, spend }) => {
      if ((body.invite_3pid ?? []).length > 0)
        throw threepidDenied('This server does not support third-party identifiers');
      const invites = body.invite?.length ?? 0;
      spend('invite', invites);
      spend('event', INITIAL_EVENTS + (body.initial_state?.length ?? 0) + invites);
      const { roomId, alias } = await creation.create(caller, body);
      return { room_id: roomId, ...(alias === undefined ? {} : { room_alias: alias }) };
    }),
  ];
}
