import { hash } from 'node:crypto';
import { decodeBase64, decodeBase64Url, encodeBase64, encodeBase64Url } from '../encoding/base64.ts';
import { type CanonicalNumbers, canonicalJson } from '../json/canonical.ts';
import { asString, isObject, type JsonObject } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { redactFields } from './redact.ts';

/** The length of a SHA-256 hash in bytes. */
export const HASH_BYTES = 32;

/**
 * Returns the content hash, unpadded Base64: SHA-256 of the event without `unsigned`, `signatures` and `hashes`
 * (server-server API, "Calculating the content hash for an event"). Without a version the event must be canonical JSON.
 * @throws CanonicalJsonError
 */
export function contentHash(pdu: JsonObject, version?: RoomVersion): string {
  return encodeBase64(contentHashBytes(pdu, version));
}

/** Returns the content hash as 32 bytes. @throws CanonicalJsonError */
export function contentHashBytes(pdu: JsonObject, version?: RoomVersion): Uint8Array {
  return sha256(hashedText(pdu, version));
}

/** Returns the text that the content hash covers. @throws CanonicalJsonError */
export function hashedText(pdu: JsonObject, version?: RoomVersion): string {
  return canonicalJson(without(pdu, ['unsigned', 'signatures', 'hashes']), numbers(version));
}

/** Returns whether an event's `hashes.sha256` is its content hash. If not, only its redacted form may be used. */
export function hasValidContentHash(pdu: JsonObject, version: RoomVersion): boolean {
  const claimed = isObject(pdu.hashes) ? asString(pdu.hashes.sha256) : undefined;
  const bytes = claimed === undefined ? undefined : decodeBase64(claimed);
  return bytes !== undefined && Buffer.compare(bytes, contentHashBytes(pdu, version)) === 0;
}

/**
 * Returns the reference hash, unpadded Base64: SHA-256 of the redacted event without `signatures` and `unsigned`
 * (server-server API, "Calculating the reference hash for an event").
 * @throws CanonicalJsonError
 */
export function referenceHash(pdu: JsonObject, version: RoomVersion): string {
  return encodeBase64(referenceHashBytes(pdu, version));
}

/** Returns the reference hash as 32 bytes. @throws CanonicalJsonError */
export function referenceHashBytes(pdu: JsonObject, version: RoomVersion): Uint8Array {
  return sha256(signedForm(redactFields(pdu, version), version));
}

/**
 * Returns the text that both signatures and the reference hash of a redacted event cover. @throws CanonicalJsonError
 */
export function signedForm(redacted: JsonObject, version: RoomVersion): string {
  return canonicalJson(without(redacted, ['signatures', 'unsigned']), numbers(version));
}

/**
 * Returns the event's id: its own `event_id` in room versions 1 and 2, derived from the reference hash from version 3
 * on.
 * @throws CanonicalJsonError
 */
export function eventId(pdu: JsonObject, version: RoomVersion): string {
  if (version.eventIdFormat === 'v1') return asString(pdu.event_id) ?? '';
  return eventIdFromHash(referenceHashBytes(pdu, version), version);
}

/** Returns the event id for a reference hash of 32 bytes in room version 3 or later. */
export function eventIdFromHash(bytes: Uint8Array, version: RoomVersion): string {
  return `$${version.eventIdFormat === 'v3' ? encodeBase64(bytes) : encodeBase64Url(bytes)}`;
}

/** Returns the 32 bytes in an event id of room version 3 or later; undefined for an id that is not a hash. */
export function eventIdBytes(id: string): Uint8Array | undefined {
  if (id.length !== 44 || !id.startsWith('$')) return undefined;
  const text = id.slice(1);
  const bytes = decodeBase64Url(text) ?? decodeBase64(text);
  return bytes?.length === HASH_BYTES ? bytes : undefined;
}

/** Returns the SHA-256 hash of a text in UTF-8. */
export function sha256(text: string): Uint8Array {
  return hash('sha256', text, 'buffer');
}

/** Returns an object without some members. A new event has none of these members and is returned as it is. */
function without(object: JsonObject, names: readonly string[]): JsonObject {
  if (names.every((name) => object[name] === undefined)) return object;
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function numbers(version: RoomVersion | undefined): CanonicalNumbers {
  return version?.strictCanonicalJson === false ? 'any' : 'integers';
}
