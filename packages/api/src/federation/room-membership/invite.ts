import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, federationV1, federationV2 } from '../../endpoint.ts';

/** `PUT /v2/invite/{roomId}/{eventId}`: an invite of a user of this server. */
export const sendInviteV2 = endpoint({
  operation: 'sendInviteV2',
  method: 'PUT',
  paths: federationV2('/invite/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    room_version: v.string(),
    event: jsonObject,
    invite_room_state: v.optional(v.array(jsonObject)),
  }),
});

/** `PUT /v1/invite/{roomId}/{eventId}`: the same for rooms of versions 1 and 2. */
export const sendInviteV1 = endpoint({
  operation: 'sendInviteV1',
  method: 'PUT',
  paths: federationV1('/invite/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});
