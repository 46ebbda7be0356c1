import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `GET /rooms/{roomId}/members`. */
export const getMembersByRoom = endpoint({
  operation: 'getMembersByRoom',
  method: 'GET',
  paths: v3AndLegacy('/rooms/{roomId}/members'),
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({
    at: v.optional(v.string()),
    membership: v.optional(v.picklist(['join', 'invite', 'knock', 'leave', 'ban'])),
    not_membership: v.optional(v.picklist(['join', 'invite', 'knock', 'leave', 'ban'])),
  }),
});
