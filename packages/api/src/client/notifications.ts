import * as v from 'valibot';
import { endpoint, v3 } from '../endpoint.ts';
import { natural } from '../query.ts';

/** `GET /notifications`. */
export const getNotifications = endpoint({
  operation: 'getNotifications',
  method: 'GET',
  paths: v3('/notifications'),
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ from: v.optional(v.string()), limit: v.optional(natural), only: v.optional(v.string()) }),
});
