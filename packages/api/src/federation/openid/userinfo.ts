import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /openid/userinfo`: the owner of an OpenID token, for services that are no Matrix servers. */
export const exchangeOpenIdToken = endpoint({
  operation: 'exchangeOpenIdToken',
  method: 'GET',
  paths: federationV1('/openid/userinfo'),
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ access_token: v.optional(v.string()) }),
});
