import * as v from 'valibot';
import { endpoint } from '../endpoint.ts';

const paths = ['/_synapse/admin/v1/register'] as const;

/**
 * `GET /register` of administrators: a nonce for {@link registerWithSharedSecret}. Scripts and test suites for other
 * servers use the same path.
 */
export const getSharedSecretNonce = endpoint({
  operation: 'getSharedSecretNonce',
  method: 'GET',
  paths,
  access: 'none',
  limit: 'registration',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `POST /register` of administrators: registers an account for a caller who knows the shared secret. */
export const registerWithSharedSecret = endpoint({
  operation: 'registerWithSharedSecret',
  method: 'POST',
  paths,
  access: 'none',
  limit: 'registration',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    nonce: v.string(),
    username: v.string(),
    password: v.string(),
    displayname: v.optional(v.pipe(v.string(), v.maxBytes(512, 'must be at most 512 bytes long'))),
    admin: v.optional(v.boolean()),
    user_type: v.optional(v.nullable(v.pipe(v.string(), v.regex(/^[\w.-]{1,64}$/, 'must be a word')))),
    mac: v.string(),
  }),
});
