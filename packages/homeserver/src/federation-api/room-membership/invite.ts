import { sendInviteV1, sendInviteV2 } from '@hearth/api/federation/room-membership/invite.ts';
import { asArray, asObject, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { ReceivedInvites } from '../../rooms/serving/received-invites.ts';

/** Returns the routes of `PUT /invite/{roomId}/{eventId}` (server-server API, "Inviting to a room"). */
export function federatedInviteRoutes(invites: ReceivedInvites): Route[] {
  return [
    route(sendInviteV2, async ({ origin: server, params, body }) => {
      const { room_version: versionId, event, invite_room_state: state = [] } = body;
      return { event: await invites.receive({ ...params, server, versionId, event, state }) };
    }),
    route(sendInviteV1, async ({ origin: server, params, body: event }) => {
      // Rooms of the versions 1 and 2 have events of the same format.
      const signed = await invites.receive({ ...params, server, versionId: '1', event, state: stateIn(event) });
      return new RawJson(JSON.stringify([200, { event: signed }]));
    }),
  ];
}

/** Returns the stripped state of an invite in the format of version 1, which is a part of the event. */
function stateIn(event: JsonObject): JsonObject[] {
  return (asArray(asObject(event.unsigned)?.invite_room_state) ?? []).filter(isObject);
}
