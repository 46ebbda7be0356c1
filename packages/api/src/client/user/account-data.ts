import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

const MSC3391 = '/_matrix/client/unstable/org.matrix.msc3391';

/** `GET /user/{userId}/account_data/{type}`. */
export const getAccountData = endpoint({
  operation: 'getAccountData',
  method: 'GET',
  paths: v3('/user/{userId}/account_data/{type}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /user/{userId}/account_data/{type}`. */
export const setAccountData = endpoint({
  operation: 'setAccountData',
  method: 'PUT',
  paths: v3('/user/{userId}/account_data/{type}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: jsonObject,
});

/** `DELETE /user/{userId}/account_data/{type}` (MSC3391). */
export const deleteAccountData = endpoint({
  operation: 'deleteAccountData',
  method: 'DELETE',
  paths: [`${MSC3391}/user/{userId}/account_data/{type}`],
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /user/{userId}/rooms/{roomId}/account_data/{type}`. */
export const getAccountDataPerRoom = endpoint({
  operation: 'getAccountDataPerRoom',
  method: 'GET',
  paths: v3('/user/{userId}/rooms/{roomId}/account_data/{type}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /user/{userId}/rooms/{roomId}/account_data/{type}`. */
export const setAccountDataPerRoom = endpoint({
  operation: 'setAccountDataPerRoom',
  method: 'PUT',
  paths: v3('/user/{userId}/rooms/{roomId}/account_data/{type}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: jsonObject,
});

/** `DELETE /user/{userId}/rooms/{roomId}/account_data/{type}` (MSC3391). */
export const deleteAccountDataPerRoom = endpoint({
  operation: 'deleteAccountDataPerRoom',
  method: 'DELETE',
  paths: [`${MSC3391}/user/{userId}/rooms/{roomId}/account_data/{type}`],
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
