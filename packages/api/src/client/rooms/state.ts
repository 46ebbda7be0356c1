import * as v from 'valibot';
import { endpoint, v3, v3AndLegacy } from '../../endpoint.ts';

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

/** `GET /rooms/{roomId}/members`. */
export const getMembersByRoom = endpoint({
  operation: 'getMembersByRoom',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/members'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    at: v.optional(v.string()),
    membership: v.optional(v.picklist(['join', 'invite', 'knock', 'leave', 'ban'])),
    not_membership: v.optional(v.picklist(['join', 'invite', 'knock', 'leave', 'ban'])),
  }),
});

/** `GET /rooms/{roomId}/joined_members`. */
export const getJoinedMembersByRoom = endpoint({
  operation: 'getJoinedMembersByRoom',
  method: 'GET',
  paths: v3('/rooms/{roomId}/joined_members'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /joined_rooms`. */
export const getJoinedRooms = endpoint({
  operation: 'getJoinedRooms',
  method: 'GET',
  paths: v3('/joined_rooms'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
