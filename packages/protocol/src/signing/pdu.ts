import { encodeBase64 } from '../encoding/base64.ts';
import type { Pdu, PduDraft, Signatures } from '../events/event.ts';
import { eventIdFromHash, hashedText, sha256, signedForm } from '../events/hash.ts';
import { redactFields, redactPdu } from '../events/redact.ts';
import { eventIdServer } from '../identifiers/event-id.ts';
import { domainOf } from '../identifiers/server-of.ts';
import { asObject, asString, type JsonObject } from '../json/value.ts';
import type { RoomVersion } from '../room-versions/rules.ts';
import { type SigningKey, signText, type VerifyKey, verifyKey } from './ed25519.ts';
import { verifyJsonWithKey, withSignature } from './json.ts';

/** A new event that is hashed but not signed, with the intermediate results. */
export interface HashedPdu {
  pdu: JsonObject;
  eventId: string;
  /** The reference hash, 32 bytes. */
  hash: Uint8Array;
  contentHash: Uint8Array;
  /** The text that a signature covers. */
  signedText: string;
  /** The size of the event's canonical form without signatures, in bytes. */
  bytes: number;
}

/** `"hashes":{"sha256":"…"},` with the 43 characters of a hash. */
const HASHES_BYTES = 66;

/** A new event, hashed and signed. */
export interface SignedPdu extends HashedPdu {
  pdu: Pdu;
  /** The signature, 64 bytes. */
  signature: Uint8Array;
}

/**
 * Hashes a new event (server-server API, "Adding hashes and signatures to outgoing events"). The event id does not
 * depend on signatures, so the event can be signed when it leaves the server. In room versions 1 and 2 the draft must
 * contain its `event_id`.
 * @throws CanonicalJsonError
 */
export function hashPdu(draft: PduDraft & JsonObject, version: RoomVersion): HashedPdu {
  const text = hashedText(draft, version);
  const contentHash = sha256(text);
  const pdu: JsonObject = { ...draft, hashes: { sha256: encodeBase64(contentHash) } };
  const signedText = signedForm(redactFields(pdu, version), version);
  const hash = sha256(signedText);
  const eventId = version.eventIdFormat === 'v1' ? (draft.event_id ?? '') : eventIdFromHash(hash, version);
  return { pdu, eventId, hash, contentHash, signedText, bytes: Buffer.byteLength(text) + HASHES_BYTES };
}

/**
 * Hashes and signs a new event. The signature and the reference hash cover the same text, so only two canonical forms
 * are computed.
 * @throws CanonicalJsonError
 */
export function hashAndSignPdu(
  draft: PduDraft & JsonObject,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): SignedPdu {
  const hashed = hashPdu(draft, version);
  const signature = signText(hashed.signedText, key);
  const signatures = withSignature(draft.signatures, serverName, key.keyId, encodeBase64(signature));
  const pdu = { ...hashed.pdu, signatures: signatures as Signatures } as Pdu;
  return { ...hashed, pdu, signature };
}

/** Returns a copy of the event with hashes and this server's signature. @throws CanonicalJsonError */
export function signPdu(draft: PduDraft, version: RoomVersion, serverName: string, key: SigningKey): Pdu {
  return hashAndSignPdu(draft, version, serverName, key).pdu;
}

/**
 * Returns a copy of another server's event with this server's signature added. The hashes stay unchanged. Needed for
 * restricted joins and for invites.
 * @throws CanonicalJsonError
 */
export function countersignPdu(pdu: Pdu, version: RoomVersion, serverName: string, key: SigningKey): Pdu {
  const signature = encodeBase64(signText(signedForm(redactFields(pdu, version), version), key));
  return { ...pdu, signatures: withSignature(pdu.signatures, serverName, key.keyId, signature) as Signatures };
}

/** Returns whether an event has a valid signature of a server by a key over its redacted form. */
export function verifyPduSignature(
  pdu: Pdu,
  version: RoomVersion,
  serverName: string,
  keyId: string,
  publicKey: string | VerifyKey,
): boolean {
  const key = typeof publicKey === 'string' ? verifyKey(publicKey) : publicKey;
  const numbers = version.strictCanonicalJson ? 'integers' : 'any';
  return key !== undefined && verifyJsonWithKey(redactPdu(pdu, version), serverName, keyId, key, numbers);
}

/**
 * Returns the servers whose signatures an event needs (server-server API, "Validating hashes and signatures on received
 * events"; rooms/v8, rule 4.2): the sender's server, except for an invite that results from a third-party invite; the
 * server in the event id in versions 1 and 2; the server of `join_authorised_via_users_server`.
 */
export function requiredSigners(pdu: Pdu, version: RoomVersion): string[] {
  const servers = new Set<string | undefined>();
  const isMember = pdu.type === 'm.room.member';
  const byThirdParty =
    isMember && pdu.content.membership === 'invite' && asObject(pdu.content.third_party_invite) !== undefined;
  if (!byThirdParty) servers.add(domainOf(pdu.sender));
  if (version.eventIdFormat === 'v1') servers.add(eventIdServer(pdu.event_id ?? ''));
  if (isMember && version.restrictedJoin) {
    const authoriser = asString(pdu.content.join_authorised_via_users_server);
    if (authoriser !== undefined) servers.add(domainOf(authoriser));
  }
  return [...servers].filter((server) => server !== undefined);
}
