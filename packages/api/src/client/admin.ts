import * as v from 'valibot';
import { endpoint, v1, v3 } from '../endpoint.ts';

/** `GET /admin/whois/{userId}`: a user's devices and where they were last seen. */
export const getWhoIs = endpoint({
  operation: 'getWhoIs',
  method: 'GET',
  paths: v3('/admin/whois/{userId}'),
  access: 'user',
});

/** `GET /admin/lock/{userId}`. */
export const getAdminLockUser = endpoint({
  operation: 'getAdminLockUser',
  method: 'GET',
  paths: v1('/admin/lock/{userId}'),
  access: 'admin',
});

/** `PUT /admin/lock/{userId}`. */
export const setAdminLockUser = endpoint({
  operation: 'setAdminLockUser',
  method: 'PUT',
  paths: v1('/admin/lock/{userId}'),
  access: 'admin',
  body: v.object({ locked: v.boolean() }),
});

/** `GET /admin/suspend/{userId}`. */
export const getAdminSuspendUser = endpoint({
  operation: 'getAdminSuspendUser',
  method: 'GET',
  paths: v1('/admin/suspend/{userId}'),
  access: 'admin',
});

/** `PUT /admin/suspend/{userId}`. */
export const setAdminSuspendUser = endpoint({
  operation: 'setAdminSuspendUser',
  method: 'PUT',
  paths: v1('/admin/suspend/{userId}'),
  access: 'admin',
  body: v.object({ suspended: v.boolean() }),
});
