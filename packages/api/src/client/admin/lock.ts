import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';

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
