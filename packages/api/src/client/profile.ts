import { jsonObject } from '../definitions/json.ts';
import { endpoint, v3, v3AndLegacy } from '../endpoint.ts';

/** `GET /profile/{userId}`. */
export const getUserProfile = endpoint({
  operation: 'getUserProfile',
  method: 'GET',
  paths: v3AndLegacy('/profile/{userId}'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `GET /profile/{userId}/{keyName}`. */
export const getProfileField = endpoint({
  operation: 'getProfileField',
  method: 'GET',
  paths: v3AndLegacy('/profile/{userId}/{keyName}'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `PUT /profile/{userId}/{keyName}`; guests may set their display name. */
export const setProfileField = endpoint({
  operation: 'setProfileField',
  method: 'PUT',
  paths: v3AndLegacy('/profile/{userId}/{keyName}'),
  access: 'guest',
  limit: 'profile',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: jsonObject,
});

/** `DELETE /profile/{userId}/{keyName}`. */
export const deleteProfileField = endpoint({
  operation: 'deleteProfileField',
  method: 'DELETE',
  paths: v3('/profile/{userId}/{keyName}'),
  access: 'guest',
  limit: 'profile',
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
