import * as v from 'valibot';
import { endpoint, v1, v3 } from '../endpoint.ts';

/** `GET /admin/whois/{userId}`: a user's devices and where they were last seen. */
export const getWhoIs = endpoint({
  operation: 'getWhoIs',
  method: 'GET',
  paths: v3('/admin/whois/{userId}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /admin/lock/{userId}`. */
export const getAdminLockUser = endpoint({
  operation: 'getAdminLockUser',
  method: 'GET',
  paths: v1('/admin/lock/{userId}'),
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});

/** `PUT /admin/lock/{userId}`. */
export const setAdminLockUser = endpoint({
  operation: 'setAdminLockUser',
  method: 'PUT',
  paths: v1('/admin/lock/{userId}'),
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ locked: v.boolean() }),
});

/** `GET /admin/suspend/{userId}`. */
export const getAdminSuspendUser = endpoint({
  operation: 'getAdminSuspendUser',
  method: 'GET',
  paths: v1('/admin/suspend/{userId}'),
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});

/** `PUT /admin/suspend/{userId}`. */
export const setAdminSuspendUser = endpoint({
  operation: 'setAdminSuspendUser',
  method: 'PUT',
  paths: v1('/admin/suspend/{userId}'),
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ suspended: v.boolean() }),
});
