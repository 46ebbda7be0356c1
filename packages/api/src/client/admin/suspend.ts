import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';

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
