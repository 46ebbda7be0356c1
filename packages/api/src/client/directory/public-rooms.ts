import * as v from 'valibot';
import { publicRoomsBody } from '../../definitions/public-rooms.ts';
import { endpoint, v3, v3AndLegacy } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** `GET /publicRooms`. */
export const getPublicRooms = endpoint({
  operation: 'getPublicRooms',
  method: 'GET',
  paths: v3AndLegacy('/publicRooms'),
  access: 'optional',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ limit: v.optional(natural), since: v.optional(v.string()), server: v.optional(v.string()) }),
});

/** `POST /publicRooms`. */
export const queryPublicRooms = endpoint({
  operation: 'queryPublicRooms',
  method: 'POST',
  paths: v3('/publicRooms'),
  access: 'user',
  limit: 'search',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ server: v.optional(v.string()) }),
  body: publicRoomsBody,
  bodyOptional: true,
});
