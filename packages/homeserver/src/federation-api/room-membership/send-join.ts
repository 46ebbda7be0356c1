import { sendJoinV1, sendJoinV2 } from '@hearth/api/federation/room-membership/send-join.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { concat } from '../../platform/long-text.ts';
import type { ServedJoins } from '../../rooms/serving/served-joins.ts';

/** Returns the routes of `PUT /send_join/{roomId}/{eventId}` (server-server API, "Joining Rooms"). */
export function sendJoinRoutes(joins: ServedJoins): Route[] {
  return [
    route(sendJoinV2, async ({ origin: server, params, query, body: pdu }) =>
      jsonAnswer(await joins.join({ ...params, server, pdu }, query.omit_members === true)),
    ),
    route(sendJoinV1, async ({ origin: server, params, body: pdu }) =>
      jsonAnswer(concat('[200,', await joins.join({ ...params, server, pdu }, false), ']')),
    ),
  ];
}
