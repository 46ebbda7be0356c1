import { endpoint, v3 } from '../../endpoint.ts';

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
