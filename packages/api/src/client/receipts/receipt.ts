import * as v from 'valibot';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/receipt/{receiptType}/{eventId}`. */
export const postReceipt = endpoint({
  operation: 'postReceipt',
  method: 'POST',
  paths: v3('/rooms/{roomId}/receipt/{receiptType}/{eventId}'),
  access: 'user',
  limit: 'ephemeral',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ thread_id: v.optional(v.string()) }),
  bodyOptional: true,
});
