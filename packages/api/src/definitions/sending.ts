import * as v from 'valibot';
import { natural } from '../query.ts';

/**
 * The query of sending requests, in milliseconds: the time of the event (application services only), the delay (MSC4140)
 * and how long the event is sticky (MSC4354).
 */
export const sending = v.object({
  ts: v.optional(natural),
  'org.matrix.msc4140.delay': v.optional(natural),
  'org.matrix.msc4354.sticky_duration_ms': v.optional(natural),
});
