import { eventIdServer, parseEventId } from '../identifiers/event-id.ts';
import { isHashRoomId, parseRoomId } from '../identifiers/room-id.ts';
import { parseUserId } from '../identifiers/user-id.ts';
import { CanonicalJsonError, canonicalJson } from '../json/canonical.ts';
import { asString, isObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import type { Pdu } from './event.ts';
import { checkEventSize } from './size.ts';

/** The maximum number of references of an event (rooms/v1 to v12, "Event format"). */
export const PREV_EVENTS_MAX = 20;
export const AUTH_EVENTS_MAX = 10;

/** An event that may be processed, or the reason for dropping it. */
export type ParsedPdu = { pdu: Pdu; refusal?: undefined } | { pdu?: undefined; refusal: string };

/**
 * Checks everything about an untrusted event that needs no other data: the format of its room version, canonical JSON
 * where the version requires it, and the size limits (server-server API, "Checks performed on receipt of a PDU", 1).
 * The value must come from `parseJson`, which bounds its nesting.
 */
export function parsePdu(value: JsonValue | undefined, version: RoomVersion): ParsedPdu {
  if (!isObject(value)) return { refusal: 'the event is not an object' };
  const refusal = checkFields(value, version) ?? checkIds(value, version) ?? checkCanonical(value, version);
  return refusal === undefined ? { pdu: value as Pdu } : { refusal };
}

function checkFields(event: JsonObject, version: RoomVersion): string | undefined {
  if (typeof event.type !== 'string') return 'type is not a string';
  if (event.state_key !== undefined && typeof event.state_key !== 'string') return 'state_key is not a string';
  if (!isObject(event.content)) return 'content is not an object';
  if (!isDepth(event.depth, version)) return 'depth is not an integer in range';
  if (!Number.isSafeInteger(event.origin_server_ts)) return 'origin_server_ts is not an integer';
  if (event.unsigned !== undefined && !isObject(event.unsigned)) return 'unsigned is not an object';
  if (!isObject(event.hashes) || typeof event.hashes.sha256 !== 'string') return 'hashes has no sha256';
  return isSignatures(event.signatures) ? undefined : 'signatures is malformed';
}

function checkIds(event: JsonObject, version: RoomVersion): string | undefined {
  if (parseUserId(asString(event.sender) ?? '') === undefined) return 'sender is not a user id';
  if (version.eventIdFormat === 'v1') {
    const eventId = parseEventId(asString(event.event_id) ?? '');
    if (eventId === undefined || eventIdServer(eventId) === undefined)
      return 'event_id is not an event id with a server';
  }
  const refusal = checkRoomId(event, version);
  if (refusal !== undefined) return refusal;
  if (!isReferences(event.prev_events, PREV_EVENTS_MAX, version)) return 'prev_events is malformed or too long';
  if (!isReferences(event.auth_events, AUTH_EVENTS_MAX, version)) return 'auth_events is malformed or too long';
  return undefined;
}

function checkRoomId(event: JsonObject, version: RoomVersion): string | undefined {
  if (version.createRoomIdHash && event.type === 'm.room.create') {
    return event.room_id === undefined ? undefined : 'a create event has no room_id in this room version';
  }
  const roomId = asString(event.room_id) ?? '';
  const isValid = version.createRoomIdHash ? isHashRoomId(roomId) : parseRoomId(roomId) !== undefined;
  return isValid ? undefined : 'room_id is not a room id of this room version';
}

function checkCanonical(event: JsonObject, version: RoomVersion): string | undefined {
  try {
    if (version.strictCanonicalJson) canonicalJson({ ...event, unsigned: undefined });
    return checkEventSize(event, version, version.byteLimits ? 'bytes' : 'code points');
  } catch (error) {
    if (error instanceof CanonicalJsonError) return `the event is not canonical JSON: ${error.message}`;
    throw error;
  }
}

function isDepth(value: JsonValue | undefined, version: RoomVersion): boolean {
  // Before version 6 the maximum depth is 2^63 − 1. Such numbers are not exact in JavaScript, but depths are only
  // compared.
  return version.strictCanonicalJson
    ? Number.isSafeInteger(value) && Number(value) >= 0
    : Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 2 ** 63;
}

function isReferences(value: JsonValue | undefined, max: number, version: RoomVersion): boolean {
  if (!Array.isArray(value) || value.length > max) return false;
  return value.every((entry) => {
    if (version.eventIdFormat !== 'v1') return typeof entry === 'string' && parseEventId(entry) !== undefined;
    if (!Array.isArray(entry) || entry.length !== 2 || !isObject(entry[1])) return false;
    return typeof entry[0] === 'string' && parseEventId(entry[0]) !== undefined;
  });
}

function isSignatures(value: JsonValue | undefined): boolean {
  if (!isObject(value)) return false;
  return Object.values(value).every(
    (own) => isObject(own) && Object.values(own).every((signature) => typeof signature === 'string'),
  );
}
