import * as v from 'valibot';
import { endpoint, federationV1 } from '../../endpoint.ts';

const count = v.pipe(v.number(), v.safeInteger());

/** `POST /get_missing_events/{roomId}`: the events between known ones. */
export const getMissingPreviousEvents = endpoint({
  operation: 'getMissingPreviousEvents',
  method: 'POST',
  paths: federationV1('/get_missing_events/{roomId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    limit: v.optional(count),
    min_depth: v.optional(v.number()),
    earliest_events: v.array(v.string()),
    latest_events: v.array(v.string()),
  }),
});
