import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /user/{userId}/rooms/{roomId}/tags`. */
export const getRoomTags = endpoint({
  operation: 'getRoomTags',
  method: 'GET',
  paths: v3('/user/{userId}/rooms/{roomId}/tags'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /user/{userId}/rooms/{roomId}/tags/{tag}`. */
export const setRoomTag = endpoint({
  operation: 'setRoomTag',
  method: 'PUT',
  paths: v3('/user/{userId}/rooms/{roomId}/tags/{tag}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.looseObject({ order: v.optional(v.pipe(v.number(), v.finite())) }),
});

/** `DELETE /user/{userId}/rooms/{roomId}/tags/{tag}`. */
export const deleteRoomTag = endpoint({
  operation: 'deleteRoomTag',
  method: 'DELETE',
  paths: v3('/user/{userId}/rooms/{roomId}/tags/{tag}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
