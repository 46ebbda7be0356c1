import { canonicalJson } from '../json/canonical.ts';
import type { JsonObject } from '../json/value.ts';

/** The largest event in bytes of its canonical form, signatures and all (client-server API, "Size limits"). */
export const EVENT_BYTES_MAX = 65_536;

/** The longest `sender`, `room_id`, `state_key`, `type` and `event_id` in bytes. */
export const EVENT_FIELD_BYTES_MAX = 255;

const LIMITED_FIELDS = ['sender', 'room_id', 'state_key', 'type', 'event_id'];

/**
 * Checks the size limits of an event in the form it has between servers (client-server API, "Size limits").
 * Gives the reason for refusing it, or undefined.
 */
export function checkEventSize(pdu: JsonObject): string | undefined {
  // `unsigned` is this server's own view of the event and travels outside the limit.
  return checkFieldSizes(pdu) ?? checkBytes(Buffer.byteLength(canonicalJson({ ...pdu, unsigned: undefined }, 'any')));
}

/** The part of {@link checkEventSize} that looks at single members. */
export function checkFieldSizes(pdu: JsonObject): string | undefined {
  for (const field of LIMITED_FIELDS) {
    const value = pdu[field];
    if (typeof value === 'string' && Buffer.byteLength(value) > EVENT_FIELD_BYTES_MAX) {
      return `${field} is longer than ${EVENT_FIELD_BYTES_MAX} bytes`;
    }
  }
  return undefined;
}

/** The part of {@link checkEventSize} that looks at the whole: for callers who know the size already. */
export function checkBytes(bytes: number): string | undefined {
  return bytes > EVENT_BYTES_MAX ? `the event is larger than ${EVENT_BYTES_MAX} bytes` : undefined;
}
