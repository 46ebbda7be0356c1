import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';
import { list, natural } from '../../query.ts';

/** `GET /backfill/{roomId}`: events and those before them. */
export const backfillRoom = endpoint({
  operation: 'backfillRoom',
  method: 'GET',
  paths: federationV1('/backfill/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ v: list, limit: natural }),
});
