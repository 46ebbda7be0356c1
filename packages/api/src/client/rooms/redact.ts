import * as v from 'valibot';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `PUT /rooms/{roomId}/redact/{eventId}/{txnId}`. */
export const redactEvent = endpoint({
  operation: 'redactEvent',
  method: 'PUT',
  paths: v3AndLegacy('/rooms/{roomId}/redact/{eventId}/{txnId}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'own-events',
  whenLocked: 'refused',
  body: v.looseObject({ reason: v.optional(v.string()) }),
  bodyOptional: true,
});

/** `POST /rooms/{roomId}/redact/{eventId}` of the first API. */
export const legacyRedactEvent = endpoint({
  operation: 'legacyRedactEvent',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/redact/{eventId}'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'own-events',
  whenLocked: 'refused',
  body: v.looseObject({ reason: v.optional(v.string()) }),
  bodyOptional: true,
});
