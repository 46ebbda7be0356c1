import { jsonObject } from '../../definitions/json.ts';
import { sending } from '../../definitions/sending.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `PUT /rooms/{roomId}/send/{eventType}/{txnId}`. */
export const sendMessage = endpoint({
  operation: 'sendMessage',
  method: 'PUT',
  paths: v3AndLegacy('/rooms/{roomId}/send/{eventType}/{txnId}'),
  access: 'guest',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: 'unless-related',
  query: sending,
  body: jsonObject,
  bodyOptional: 'repetition',
});

/**
 * `POST /rooms/{roomId}/send/{eventType}` of the first API, without a transaction id, so that repetitions send again.
 */
export const legacySendMessage = endpoint({
  operation: 'legacySendMessage',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/send/{eventType}'),
  access: 'guest',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: 'unless-related',
  body: jsonObject,
});
