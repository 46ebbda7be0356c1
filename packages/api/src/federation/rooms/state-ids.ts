import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /state_ids/{roomId}`: the ids of the events that `GET /state/{roomId}` returns. */
export const getRoomStateIds = endpoint({
  operation: 'getRoomStateIds',
  method: 'GET',
  paths: federationV1('/state_ids/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ event_id: v.string() }),
});
