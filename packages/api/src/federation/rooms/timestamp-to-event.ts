import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';
import { integer } from '../../query.ts';

/** `GET /timestamp_to_event/{roomId}`: the event closest to a time. */
export const getEventByTimestampForServer = endpoint({
  operation: 'getEventByTimestampForServer',
  method: 'GET',
  paths: federationV1('/timestamp_to_event/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ ts: integer, dir: v.picklist(['f', 'b'], 'must be f or b') }),
});
