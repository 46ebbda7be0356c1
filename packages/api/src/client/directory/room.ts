import * as v from 'valibot';
import { endpoint, v3, v3AndLegacy } from '../../endpoint.ts';

/** `GET /directory/room/{roomAlias}`. */
export const getRoomIdByAlias = endpoint({
  operation: 'getRoomIdByAlias',
  method: 'GET',
  paths: v3AndLegacy('/directory/room/{roomAlias}'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `PUT /directory/room/{roomAlias}`. */
export const setRoomAlias = endpoint({
  operation: 'setRoomAlias',
  method: 'PUT',
  paths: v3('/directory/room/{roomAlias}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ room_id: v.string() }),
});

/** `DELETE /directory/room/{roomAlias}`. */
export const deleteRoomAlias = endpoint({
  operation: 'deleteRoomAlias',
  method: 'DELETE',
  paths: v3('/directory/room/{roomAlias}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
});

/** `GET /directory/list/room/{roomId}`. */
export const getRoomVisibilityOnDirectory = endpoint({
  operation: 'getRoomVisibilityOnDirectory',
  method: 'GET',
  paths: v3('/directory/list/room/{roomId}'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `PUT /directory/list/room/{roomId}`. */
export const setRoomVisibilityOnDirectory = endpoint({
  operation: 'setRoomVisibilityOnDirectory',
  method: 'PUT',
  paths: v3('/directory/list/room/{roomId}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ visibility: v.optional(v.picklist(['public', 'private']), 'public') }),
});
