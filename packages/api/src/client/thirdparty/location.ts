import * as v from 'valibot';
import { endpoint, v3AndUnstable } from '../../endpoint.ts';
import { list } from '../../query.ts';

/** `GET /thirdparty/location/{protocol}`: the query has the fields of the protocol. */
export const queryLocationByProtocol = endpoint({
  operation: 'queryLocationByProtocol',
  method: 'GET',
  paths: v3AndUnstable('/thirdparty/location/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.record(v.string(), list),
});

/** `GET /thirdparty/location`. */
export const queryLocationByAlias = endpoint({
  operation: 'queryLocationByAlias',
  method: 'GET',
  paths: v3AndUnstable('/thirdparty/location'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ alias: v.string() }),
});
