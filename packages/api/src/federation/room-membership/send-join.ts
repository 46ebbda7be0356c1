import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, federationV1, federationV2 } from '../../endpoint.ts';
import { flag } from '../../query.ts';

/** `PUT /v2/send_join/{roomId}/{eventId}`: the signed event of a join. */
export const sendJoinV2 = endpoint({
  operation: 'sendJoinV2',
  method: 'PUT',
  paths: federationV2('/send_join/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ omit_members: v.optional(flag) }),
  body: jsonObject,
});

/** `PUT /v1/send_join/{roomId}/{eventId}`: the same with an answer for servers of old versions. */
export const sendJoinV1 = endpoint({
  operation: 'sendJoinV1',
  method: 'PUT',
  paths: federationV1('/send_join/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});
