import * as v from 'valibot';
import { endpoint, v1 } from '../../endpoint.ts';

/** `GET /mutual_rooms`. */
export const getMutualRooms = endpoint({
  operation: 'getMutualRooms',
  method: 'GET',
  paths: v1('/mutual_rooms'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ user_id: v.string(), from: v.optional(v.string()) }),
});

/** The path of MSC2666, which clients used before v1.19. */
export const getMutualRoomsUnstable = endpoint({
  operation: 'getMutualRoomsUnstable',
  method: 'GET',
  paths: ['/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms'],
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ user_id: v.string(), batch_token: v.optional(v.string()) }),
});
