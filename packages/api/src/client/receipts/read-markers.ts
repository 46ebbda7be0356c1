import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

const eventId = v.pipe(v.string(), v.startsWith('$', 'must be an event id'));

/** `POST /rooms/{roomId}/read_markers`. */
export const setReadMarker = endpoint({
  operation: 'setReadMarker',
  method: 'POST',
  paths: v3('/rooms/{roomId}/read_markers'),
  access: 'user',
  limit: 'ephemeral',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({
    'm.fully_read': v.optional(eventId),
    'm.read': v.optional(eventId),
    'm.read.private': v.optional(eventId),
  }),
});
