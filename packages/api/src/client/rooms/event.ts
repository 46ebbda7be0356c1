import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /rooms/{roomId}/event/{eventId}`. */
export const getOneRoomEvent = endpoint({
  operation: 'getOneRoomEvent',
  method: 'GET',
  paths: v3('/rooms/{roomId}/event/{eventId}'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
