import { jsonObject } from '../../definitions/json.ts';
import { endpoint, federationV1, federationV2 } from '../../endpoint.ts';

/** `PUT /v2/send_leave/{roomId}/{eventId}`: the signed event of a leave. */
export const sendLeaveV2 = endpoint({
  operation: 'sendLeaveV2',
  method: 'PUT',
  paths: federationV2('/send_leave/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});

/** `PUT /v1/send_leave/{roomId}/{eventId}`: the same with an answer for servers of old versions. */
export const sendLeaveV1 = endpoint({
  operation: 'sendLeaveV1',
  method: 'PUT',
  paths: federationV1('/send_leave/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});
