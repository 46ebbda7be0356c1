import * as v from 'valibot';
import { endpoint, v3 } from '../endpoint.ts';

/** Clients from before v1.18 send a score from -100 to 0. */
const score = v.optional(v.nullable(v.pipe(v.number(), v.safeInteger())));

/** `POST /rooms/{roomId}/report/{eventId}`. */
export const reportEvent = endpoint({
  operation: 'reportEvent',
  method: 'POST',
  paths: v3('/rooms/{roomId}/report/{eventId}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ reason: v.optional(v.nullable(v.string())), score }),
});

/** `POST /rooms/{roomId}/report`. */
export const reportRoom = endpoint({
  operation: 'reportRoom',
  method: 'POST',
  paths: v3('/rooms/{roomId}/report'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ reason: v.string() }),
});

/** `POST /users/{userId}/report`. */
export const reportUser = endpoint({
  operation: 'reportUser',
  method: 'POST',
  paths: v3('/users/{userId}/report'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ reason: v.string() }),
});
