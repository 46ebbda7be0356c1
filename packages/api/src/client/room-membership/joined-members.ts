import { endpoint, v3 } from '../../endpoint.ts';

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
