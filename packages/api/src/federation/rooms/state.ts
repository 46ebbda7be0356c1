import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /state/{roomId}`: the state before an event, with its auth chain. */
export const getRoomStateForServer = endpoint({
  operation: 'getRoomStateForServer',
  method: 'GET',
  paths: federationV1('/state/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ event_id: v.string() }),
});
