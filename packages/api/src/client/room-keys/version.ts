import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

const opaque = v.pipe(v.string(), v.nonEmpty(), v.maxLength(255));

/** `POST /room_keys/version`. */
export const postRoomKeysVersion = endpoint({
  operation: 'postRoomKeysVersion',
  method: 'POST',
  paths: v3AndUnstable('/room_keys/version'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ algorithm: opaque, auth_data: jsonObject }),
});

/** `GET /room_keys/version`. */
export const getRoomKeysVersionCurrent = endpoint({
  operation: 'getRoomKeysVersionCurrent',
  method: 'GET',
  paths: v3AndUnstable('/room_keys/version'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /room_keys/version/{version}`. */
export const getRoomKeysVersion = endpoint({
  operation: 'getRoomKeysVersion',
  method: 'GET',
  paths: v3AndUnstable('/room_keys/version/{version}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /room_keys/version/{version}`. */
export const putRoomKeysVersion = endpoint({
  operation: 'putRoomKeysVersion',
  method: 'PUT',
  paths: v3AndUnstable('/room_keys/version/{version}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ algorithm: opaque, auth_data: jsonObject, version: v.optional(v.string()) }),
});

/** `DELETE /room_keys/version/{version}`. */
export const deleteRoomKeysVersion = endpoint({
  operation: 'deleteRoomKeysVersion',
  method: 'DELETE',
  paths: v3AndUnstable('/room_keys/version/{version}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
