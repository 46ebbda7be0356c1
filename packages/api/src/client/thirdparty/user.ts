import * as v from 'valibot';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';
import { list } from '../../query.ts';

/** `GET /thirdparty/user/{protocol}`: the query has the fields of the protocol. */
export const queryUserByProtocol = endpoint({
  operation: 'queryUserByProtocol',
  method: 'GET',
  paths: v3AndUnstable('/thirdparty/user/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.record(v.string(), list),
});

/** `GET /thirdparty/user`. */
export const queryUserByID = endpoint({
  operation: 'queryUserByID',
  method: 'GET',
  paths: v3AndUnstable('/thirdparty/user'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ userid: v.string() }),
});
