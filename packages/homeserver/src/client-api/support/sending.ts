import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Caller } from '../../http/route.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';

/** The query of a request that sends an event, in milliseconds. */
export interface SendQuery {
  readonly ts?: number | undefined;
  readonly 'org.matrix.msc4140.delay'?: number | undefined;
  readonly 'org.matrix.msc4354.sticky_duration_ms'?: number | undefined;
}

/** The maximum time that an event is sticky (MSC4354). */
const STICKY_MS_MAX = 60 * 60_000;

/**
 * Returns the time that an application service gives an event (application service API, "Timestamp massaging"). Other callers
 * cannot choose it.
 */
export function parseTs({ ts }: SendQuery, { applicationService }: Caller): { ts?: number } {
  return ts === undefined || applicationService === undefined ? {} : { ts };
}

/** Returns the time for which the event is sticky and the delay after which it is sent, in milliseconds. */
export function parseSendTimes(query: SendQuery): { stickyMs: number | undefined; delayMs: number | undefined } {
  const { 'org.matrix.msc4354.sticky_duration_ms': duration, 'org.matrix.msc4140.delay': delayMs } = query;
  return { stickyMs: duration === undefined ? undefined : Math.min(duration, STICKY_MS_MAX), delayMs };
}

/** Returns the answer to a request that has sent an event. */
export function eventIdReply(event: StoredEvent): JsonObject {
  return { event_id: event.eventId };
}
