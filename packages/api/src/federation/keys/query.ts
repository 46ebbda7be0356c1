import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';
import { natural } from '../../query.ts';

const SERVERS_MAX = 500;

/** `GET /_matrix/key/v2/query/{serverName}`: the keys of one server, as a notary knows them. */
export const getKeysOfServer = endpoint({
  operation: 'getKeysOfServer',
  method: 'GET',
  paths: ['/_matrix/key/v2/query/{serverName}'],
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ minimum_valid_until_ts: v.optional(natural) }),
});

const criteria = v.object({ minimum_valid_until_ts: v.optional(v.pipe(v.number(), v.safeInteger())) });

/** `POST /_matrix/key/v2/query`: the keys of several servers, as a notary knows them. */
export const queryKeysOfServers = endpoint({
  operation: 'queryKeysOfServers',
  method: 'POST',
  paths: ['/_matrix/key/v2/query'],
  access: 'none',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    server_keys: v.pipe(
      v.record(v.string(), v.record(v.string(), criteria)),
      v.check((servers) => Object.keys(servers).length <= SERVERS_MAX, `must have at most ${SERVERS_MAX} servers`),
    ),
  }),
});
