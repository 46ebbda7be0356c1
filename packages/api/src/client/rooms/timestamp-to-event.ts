import * as v from 'valibot';
import { endpoint, v1, v3 } from '../../endpoint.ts';
import { integer } from '../../query.ts';

/** `GET /rooms/{roomId}/timestamp_to_event`. */
export const getEventByTimestamp = endpoint({
  operation: 'getEventByTimestamp',
  method: 'GET',
  paths: [...v1('/rooms/{roomId}/timestamp_to_event'), ...v3('/rooms/{roomId}/timestamp_to_event')],
  access: 'user',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ ts: integer, dir: v.picklist(['f', 'b'], 'must be f or b') }),
});
