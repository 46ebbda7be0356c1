import * as v from 'valibot';
import { list } from '../query.ts';

/** The body of a request that changes the caller's own membership. */
export const withReason = v.object({ reason: v.optional(v.string()) });

/** The body of a request that changes the membership of another user. */
export const target = v.object({ user_id: v.string(), reason: v.optional(v.string()) });

/** The query of a request for a room by its id or alias: the servers that may know the room. */
export const via = v.object({ server_name: v.optional(list), via: v.optional(list) });
