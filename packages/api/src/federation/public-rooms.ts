import * as v from 'valibot';
import { publicRoomsBody } from '../definitions/public-rooms.ts';
import { endpoint, federationV1 } from '../endpoint.ts';
import { natural } from '../query.ts';

/** `GET /publicRooms`: the published rooms of this server. */
export const getPublicRoomsForServer = endpoint({
  operation: 'getPublicRoomsForServer',
  method: 'GET',
  paths: federationV1('/publicRooms'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ limit: v.optional(natural), since: v.optional(v.string()) }),
});

/** `POST /publicRooms`: the published rooms of this server that match a filter. */
export const queryPublicRoomsForServer = endpoint({
  operation: 'queryPublicRoomsForServer',
  method: 'POST',
  paths: federationV1('/publicRooms'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: publicRoomsBody,
  bodyOptional: true,
});
