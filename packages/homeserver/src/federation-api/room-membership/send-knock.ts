import { sendKnock } from '@hearth/api/federation/room-membership/send-knock.ts';
import { type Route, route } from '../../http/route.ts';
import type { ReceivedMembers } from '../../rooms/serving/received-members.ts';

/** Returns the route of `PUT /send_knock/{roomId}/{eventId}` (server-server API, "Knocking upon a room"). */
export function sendKnockRoutes(received: ReceivedMembers): Route[] {
  return [
    route(sendKnock, async ({ origin: server, params, body: pdu }) => ({
      knock_room_state: await received.knock({ ...params, server, pdu }),
    })),
  ];
}
