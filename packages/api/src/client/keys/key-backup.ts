import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

const index = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const opaque = v.pipe(v.string(), v.nonEmpty(), v.maxLength(255));

/** The key of a session, encrypted by the client (client-server API, "KeyBackupData"). */
const keyBackupData = v.object({
  first_message_index: index,
  forwarded_count: index,
  is_verified: v.boolean(),
  session_data: jsonObject,
});
const roomKeyBackup = v.object({ sessions: v.record(v.string(), keyBackupData) });

const version = v.object({ version: v.string() });

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

/** `PUT /room_keys/keys`. */
export const putRoomKeys = endpoint({
  operation: 'putRoomKeys',
  method: 'PUT',
  paths: v3AndUnstable('/room_keys/keys'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
  body: v.object({ rooms: v.record(v.string(), roomKeyBackup) }),
});

/** `GET /room_keys/keys`. */
export const getRoomKeys = endpoint({
  operation: 'getRoomKeys',
  method: 'GET',
  paths: v3AndUnstable('/room_keys/keys'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
});

/** `DELETE /room_keys/keys`. */
export const deleteRoomKeys = endpoint({
  operation: 'deleteRoomKeys',
  method: 'DELETE',
  paths: v3AndUnstable('/room_keys/keys'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
});

/** `PUT /room_keys/keys/{roomId}`. */
export const putRoomKeysByRoomId = endpoint({
  operation: 'putRoomKeysByRoomId',
  method: 'PUT',
  paths: v3AndUnstable('/room_keys/keys/{roomId}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
  body: roomKeyBackup,
});

/** `GET /room_keys/keys/{roomId}`. */
export const getRoomKeysByRoomId = endpoint({
  operation: 'getRoomKeysByRoomId',
  method: 'GET',
  paths: v3AndUnstable('/room_keys/keys/{roomId}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
});

/** `DELETE /room_keys/keys/{roomId}`. */
export const deleteRoomKeysByRoomId = endpoint({
  operation: 'deleteRoomKeysByRoomId',
  method: 'DELETE',
  paths: v3AndUnstable('/room_keys/keys/{roomId}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
});

/** `PUT /room_keys/keys/{roomId}/{sessionId}`. */
export const putRoomKeyBySessionId = endpoint({
  operation: 'putRoomKeyBySessionId',
  method: 'PUT',
  paths: v3AndUnstable('/room_keys/keys/{roomId}/{sessionId}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
  body: keyBackupData,
});

/** `GET /room_keys/keys/{roomId}/{sessionId}`. */
export const getRoomKeyBySessionId = endpoint({
  operation: 'getRoomKeyBySessionId',
  method: 'GET',
  paths: v3AndUnstable('/room_keys/keys/{roomId}/{sessionId}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
});

/** `DELETE /room_keys/keys/{roomId}/{sessionId}`. */
export const deleteRoomKeyBySessionId = endpoint({
  operation: 'deleteRoomKeyBySessionId',
  method: 'DELETE',
  paths: v3AndUnstable('/room_keys/keys/{roomId}/{sessionId}'),
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: version,
});
