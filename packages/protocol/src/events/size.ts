import { canonicalJson } from '../json/canonical.ts';
import type { JsonObject } from '../json/value.ts';

/** The maximum size of an event in bytes of its canonical form with signatures (client-server API, "Size limits"). */
export const EVENT_BYTES_MAX = 65_536;

/** The maximum length of `sender`, `room_id`, `state_key`, `type` and `event_id` in bytes. */
export const EVENT_FIELD_BYTES_MAX = 255;

const LIMITED_FIELDS = ['sender', 'room_id', 'state_key', 'type', 'event_id'];

/**
 * Checks the size limits of an event in the federation format (client-server API, "Size limits"). Returns the reason
 * for rejecting the event, or undefined.
 */
export function checkEventSize(pdu: JsonObject, unit: 'bytes' | 'code points' = 'bytes'): string | undefined {
  // `unsigned` belongs to this server and does not count against the limit.
  return (
    checkFieldSizes(pdu, unit) ?? checkBytes(Buffer.byteLength(canonicalJson({ ...pdu, unsigned: undefined }, 'any')))
  );
}

/** Checks the sizes of single members, as a part of {@link checkEventSize}. */
export function checkFieldSizes(pdu: JsonObject, unit: 'bytes' | 'code points' = 'bytes'): string | undefined {
  for (const field of LIMITED_FIELDS) {
    const value = pdu[field];
    if (typeof value !== 'string' || Buffer.byteLength(value) <= EVENT_FIELD_BYTES_MAX) continue;
    if (unit === 'bytes' || Array.from(value).length > EVENT_FIELD_BYTES_MAX) {
      return `${field} is longer than ${EVENT_FIELD_BYTES_MAX} ${unit}`;
    }
  }
  return undefined;
}

/** Checks the size of a whole event, as a part of {@link checkEventSize}, for callers who know the size already. */
export function checkBytes(bytes: number): string | undefined {
  return bytes > EVENT_BYTES_MAX ? `the event is larger than ${EVENT_BYTES_MAX} bytes` : undefined;
}
