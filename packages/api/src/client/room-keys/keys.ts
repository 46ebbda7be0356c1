import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';

const index = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The key of a session, encrypted by the client (client-server API, "KeyBackupData"). */
const keyBackupData = v.object({
  first_message_index: index,
  forwarded_count: index,
  is_verified: v.boolean(),
  session_data: jsonObject,
});

const roomKeyBackup = v.object({ sessions: v.record(v.string(), keyBackupData) });

const version = v.object({ version: v.string() });

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
