import * as v from 'valibot';
import { endpoint, v3 } from '../endpoint.ts';

/** `GET /thirdparty/protocols`. */
export const getProtocols = endpoint({
  operation: 'getProtocols',
  method: 'GET',
  paths: v3('/thirdparty/protocols'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /thirdparty/protocol/{protocol}`. */
export const getProtocolMetadata = endpoint({
  operation: 'getProtocolMetadata',
  method: 'GET',
  paths: v3('/thirdparty/protocol/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /thirdparty/location/{protocol}`: the query has the fields of the protocol. */
export const queryLocationByProtocol = endpoint({
  operation: 'queryLocationByProtocol',
  method: 'GET',
  paths: v3('/thirdparty/location/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /thirdparty/user/{protocol}`: the query has the fields of the protocol. */
export const queryUserByProtocol = endpoint({
  operation: 'queryUserByProtocol',
  method: 'GET',
  paths: v3('/thirdparty/user/{protocol}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /thirdparty/location`. */
export const queryLocationByAlias = endpoint({
  operation: 'queryLocationByAlias',
  method: 'GET',
  paths: v3('/thirdparty/location'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ alias: v.string() }),
});

/** `GET /thirdparty/user`. */
export const queryUserByID = endpoint({
  operation: 'queryUserByID',
  method: 'GET',
  paths: v3('/thirdparty/user'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ userid: v.string() }),
});
