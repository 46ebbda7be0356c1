import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /query/directory`: the room of an alias of this server. */
export const queryRoomDirectory = endpoint({
  operation: 'queryRoomDirectory',
  method: 'GET',
  paths: federationV1('/query/directory'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ room_alias: v.string() }),
});
