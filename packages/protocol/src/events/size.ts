import { canonicalJson } from '../json/canonical.ts';
import type { JsonObject } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/** The maximum size of an event in bytes of its canonical form with signatures (client-server API, "Size limits"). */
export const EVENT_BYTES_MAX = 65_536;

/** The maximum length of `sender`, `room_id`, `state_key`, `type` and `event_id` in bytes. */
export const EVENT_FIELD_BYTES_MAX = 255;

/** The maximum length of a `state_key` in bytes in room versions with owned state (MSC3757). */
export const OWNED_STATE_KEY_BYTES_MAX = 511;

/** The unit in which the limits of single members count. */
export type SizeUnit = 'bytes' | 'code points';

const LIMITED_FIELDS = ['sender', 'room_id', 'state_key', 'type', 'event_id'];

/**
 * Checks the size limits of an event in the federation format (client-server API, "Size limits"). Returns the reason
 * for rejecting the event, or undefined.
 */
export function checkEventSize(pdu: JsonObject, version: RoomVersion, unit: SizeUnit = 'bytes'): string | undefined {
  // `unsigned` belongs to this server and does not count against the limit.
  return (
    checkFieldSizes(pdu, version, unit) ??
    checkBytes(Buffer.byteLength(canonicalJson({ ...pdu, unsigned: undefined }, 'any')))
  );
}

/** Checks the sizes of single members, as a part of {@link checkEventSize}. */
export function checkFieldSizes(pdu: JsonObject, version: RoomVersion, unit: SizeUnit = 'bytes'): string | undefined {
  for (const field of LIMITED_FIELDS) {
    const value = pdu[field];
    const max = field === 'state_key' && version.ownedState ? OWNED_STATE_KEY_BYTES_MAX : EVENT_FIELD_BYTES_MAX;
    if (typeof value !== 'string' || Buffer.byteLength(value) <= max) continue;
    if (unit === 'bytes' || Array.from(value).length > max) return `${field} is longer than ${max} ${unit}`;
  }
  return undefined;
}

/** Checks the size of a whole event, as a part of {@link checkEventSize}, for callers who know the size already. */
export function checkBytes(bytes: number): string | undefined {
  return bytes > EVENT_BYTES_MAX ? `the event is larger than ${EVENT_BYTES_MAX} bytes` : undefined;
}
