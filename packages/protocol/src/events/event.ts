import { asInteger, asString, isObject, type JsonObject, type JsonValue } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';

/** A reference to an event in room versions 1 and 2: its id and its reference hash. */
export type EventReference = [eventId: string, hashes: { sha256: string }];

/** An event before it is hashed and signed. */
export interface PduDraft extends JsonObject {
  event_id?: string;
  room_id?: string;
  sender: string;
  type: string;
  state_key?: string;
  content: JsonObject;
  depth: number;
  prev_events: string[] | EventReference[];
  auth_events: string[] | EventReference[];
  origin_server_ts: number;
  redacts?: string;
  origin?: string;
  unsigned?: JsonObject;
}

/**
 * An event as servers exchange it (server-server API, "PDUs"). Which members exist depends on the room version:
 * `event_id` only in 1 and 2, `room_id` in all but the create event of 12, `redacts` up to 10.
 */
export interface Pdu extends PduDraft {
  hashes: { sha256: string };
  signatures: Signatures;
}

/** Signatures by server name, then by key id. */
export interface Signatures extends JsonObject {
  [server: string]: { [keyId: string]: string };
}

/**
 * The part of an event that authorisation and state resolution read. Its content is not checked; rules check the
 * members that they read.
 */
export interface AuthEvent {
  readonly eventId: string;
  readonly roomId: string;
  readonly sender: string;
  readonly type: string;
  readonly stateKey?: string;
  readonly content: JsonObject;
  readonly originServerTs: number;
  readonly depth?: number;
  readonly authEvents: readonly string[];
  readonly prevEvents: readonly string[];
  /** The event that a redaction names, in its own `redacts` or in its content, depending on the room version. */
  readonly redacts?: string;
  /** True for rejected events, which authorise nothing; absent for accepted events. */
  readonly rejected?: boolean;
}

/** Returns the ids in `prev_events` of a well-formed event. */
export function prevEventIds(pdu: Pick<Pdu, 'prev_events'>, version: RoomVersion): string[] {
  return referencedIds(pdu.prev_events, version);
}

/** Returns the ids in `auth_events` of a well-formed event. */
export function authEventIds(pdu: Pick<Pdu, 'auth_events'>, version: RoomVersion): string[] {
  return referencedIds(pdu.auth_events, version);
}

/** Returns the id of the event that a redaction names (from rooms/v11 on it is in the content). */
export function redactsOf(event: { redacts?: JsonValue | undefined; content: JsonObject }, version: RoomVersion) {
  return asString(version.contentRedacts ? event.content.redacts : event.redacts);
}

/** Returns the id of the room of an event. For a create event of version 12 this is its own id with another sigil. */
export function roomIdOf(pdu: Pick<Pdu, 'room_id'>, eventId: string): string {
  return pdu.room_id ?? `!${eventId.slice(1)}`;
}

/** Returns the part of a well-formed event that authorisation and state resolution read. */
export function toAuthEvent(pdu: Pdu, eventId: string, version: RoomVersion): AuthEvent {
  const redacts = redactsOf(pdu, version);
  return {
    eventId,
    roomId: roomIdOf(pdu, eventId),
    sender: pdu.sender,
    type: pdu.type,
    ...(pdu.state_key === undefined ? {} : { stateKey: pdu.state_key }),
    content: pdu.content,
    originServerTs: pdu.origin_server_ts,
    depth: asInteger(pdu.depth) ?? 0,
    authEvents: authEventIds(pdu, version),
    prevEvents: prevEventIds(pdu, version),
    ...(redacts === undefined ? {} : { redacts }),
  };
}

/** Returns the signatures that a server has made on any object, by key id. Malformed members are left out. */
export function signaturesOf(object: JsonObject, server: string): Record<string, string> {
  const signatures = isObject(object.signatures) ? object.signatures : undefined;
  const own = signatures !== undefined && Object.hasOwn(signatures, server) ? signatures[server] : undefined;
  if (!isObject(own)) return {};
  const entries = Object.entries(own).filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return Object.fromEntries(entries);
}

/**
 * Returns the ids of references. References are pairs of id and hash in room versions 1 and 2, and ids from version 3
 * on. Malformed ones are left out.
 */
function referencedIds(references: readonly (string | EventReference)[], version: RoomVersion): string[] {
  const isPair = version.eventIdFormat === 'v1';
  return references
    .map((reference) => (isPair && Array.isArray(reference) ? reference[0] : reference))
    .filter((id) => typeof id === 'string');
}
