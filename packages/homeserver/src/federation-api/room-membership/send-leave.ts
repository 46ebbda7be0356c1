import { sendLeaveV1, sendLeaveV2 } from '@hearth/api/federation/room-membership/send-leave.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { ReceivedMembers } from '../../rooms/serving/received-members.ts';

/** Returns the routes of `PUT /send_leave/{roomId}/{eventId}` (server-server API, "Leaving Rooms (Rejecting Invites)"). */
export function sendLeaveRoutes(received: ReceivedMembers): Route[] {
  return [
    route(sendLeaveV2, async ({ origin: server, params, body: pdu }) => {
      await received.leave({ ...params, server, pdu });
      return {};
    }),
    route(sendLeaveV1, async ({ origin: server, params, body: pdu }) => {
      await received.leave({ ...params, server, pdu });
      return new RawJson('[200,{}]');
    }),
  ];
}
