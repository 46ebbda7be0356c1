import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { sending } from '../../definitions/sending.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

const format = v.object({ format: v.optional(v.picklist(['content', 'event'], 'must be content or event')) });

/** `GET /rooms/{roomId}/state`. */
export const getRoomState = endpoint({
  operation: 'getRoomState',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/state'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /rooms/{roomId}/state/{eventType}/{stateKey}`. */
export const getRoomStateWithKey = endpoint({
  operation: 'getRoomStateWithKey',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/state/{eventType}/{stateKey}'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: format,
});

/** `GET /rooms/{roomId}/state/{eventType}`: the empty state key, with or without a slash at the end. */
export const getRoomStateByType = endpoint({
  operation: 'getRoomStateByType',
  method: 'GET',
  paths: [...v3AndLegacy('/rooms/{roomId}/state/{eventType}'), ...v3AndLegacy('/rooms/{roomId}/state/{eventType}/')],
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: format,
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
