import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `PUT /rooms/{roomId}/typing/{userId}`. */
export const setTyping = endpoint({
  operation: 'setTyping',
  method: 'PUT',
  paths: v3AndLegacy('/rooms/{roomId}/typing/{userId}'),
  access: 'user',
  limit: 'ephemeral',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  body: v.object({ typing: v.boolean(), timeout: v.optional(v.pipe(v.number(), v.safeInteger())) }),
});
