import { jsonObject } from '../../definitions/json.ts';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `PUT /send_knock/{roomId}/{eventId}`: the signed event of a knock. */
export const sendKnock = endpoint({
  operation: 'sendKnock',
  method: 'PUT',
  paths: federationV1('/send_knock/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: jsonObject,
});
