import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/**
 * Query of sending requests, in milliseconds: the time of the event (application services only), the delay (MSC4140)
 * and how long the event is sticky (MSC4354).
 */
const sending = v.object({
  ts: v.optional(natural),
  'org.matrix.msc4140.delay': v.optional(natural),
  'org.matrix.msc4354.sticky_duration_ms': v.optional(natural),
});

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

/** `PUT /rooms/{roomId}/state/{eventType}/{stateKey}`. */
export const setRoomStateWithKey = endpoint({
  operation: 'setRoomStateWithKey',
  method: 'PUT',
  paths: v3AndLegacy('/rooms/{roomId}/state/{eventType}/{stateKey}'),
  access: 'guest',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  query: sending,
  body: jsonObject,
});

/** `PUT /rooms/{roomId}/state/{eventType}`: the empty state key, with or without a slash at the end. */
export const setRoomState = endpoint({
  operation: 'setRoomState',
  method: 'PUT',
  paths: [...v3AndLegacy('/rooms/{roomId}/state/{eventType}'), ...v3AndLegacy('/rooms/{roomId}/state/{eventType}/')],
  access: 'guest',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  query: sending,
  body: jsonObject,
});

/** `PUT /rooms/{roomId}/redact/{eventId}/{txnId}`. */
export const redactEvent = endpoint({
  operation: 'redactEvent',
  method: 'PUT',
  paths: v3AndLegacy('/rooms/{roomId}/redact/{eventId}/{txnId}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'own-events',
  whenLocked: 'refused',
  body: v.looseObject({ reason: v.optional(v.string()) }),
  bodyOptional: true,
});

/** `POST /rooms/{roomId}/redact/{eventId}` of the first API. */
export const legacyRedactEvent = endpoint({
  operation: 'legacyRedactEvent',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/redact/{eventId}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'own-events',
  whenLocked: 'refused',
  body: v.looseObject({ reason: v.optional(v.string()) }),
  bodyOptional: true,
});
