import * as v from 'valibot';
import { endpoint, federationV1 } from '../endpoint.ts';

/** The maximum size of a transaction: 50 PDUs and 100 EDUs of 64 KiB, and a little more. */
const BYTES_MAX = 10 * 1024 * 1024;

/** `PUT /send/{txnId}`: a transaction with PDUs and EDUs of another server. */
export const sendTransaction = endpoint({
  operation: 'sendTransaction',
  method: 'PUT',
  paths: federationV1('/send/{txnId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  bodyBytesMax: BYTES_MAX,
  body: v.object({
    pdus: v.optional(v.array(v.unknown())),
    edus: v.optional(v.array(v.unknown())),
    /** The peeks that the other server has ended (MSC2444). */
    expired_peeks: v.optional(v.array(v.object({ room_id: v.string(), peek_id: v.string() }))),
  }),
});
