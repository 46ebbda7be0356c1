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

/** A new event that is hashed but not signed, and everything that was computed on the way. */
export interface HashedPdu {
  pdu: JsonObject;
  eventId: string;
  /** The reference hash, 32 bytes. */
  hash: Uint8Array;
  contentHash: Uint8Array;
  /** What a signature covers. */
  signedText: string;
  /** The size of its canonical form without signatures. */
  bytes: number;
}

/** `"hashes":{"sha256":"…"},` with the 43 characters of a hash. */
const HASHES_BYTES = 66;

/** A new event, hashed and signed. */
export interface FinishedPdu extends HashedPdu {
  pdu: Pdu;
  /** 64 bytes. */
  signature: Uint8Array;
}

/**
 * Hashes a new event (server-server API, "Adding hashes and signatures to outgoing events"). Its id does not depend on
 * signatures, so they can be added when the event leaves the server. In room versions 1 and 2 the draft must bear its
 * `event_id`.
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
 * Hashes and signs a new event. Signature and reference hash cover the same text, so that two canonical forms are all
 * it takes.
 * @throws CanonicalJsonError
 */
export function finishPdu(
  draft: PduDraft & JsonObject,
  version: RoomVersion,
  serverName: string,
  key: SigningKey,
): FinishedPdu {
  const hashed = hashPdu(draft, version);
  const signature = signText(hashed.signedText, key);
  const signatures = withSignature(draft.signatures, serverName, key.keyId, encodeBase64(signature));
  const pdu = { ...hashed.pdu, signatures: signatures as Signatures } as Pdu;
  return { ...hashed, pdu, signature };
}

/** A copy of the event with hashes and this server's signature. @throws CanonicalJsonError */
export function signPdu(draft: PduDraft, version: RoomVersion, serverName: string, key: SigningKey): Pdu {
  return finishPdu(draft, version, serverName, key).pdu;
}

/**
 * A copy of another server's event with this server's signature added: its hashes stay as they are (joins by way of a
 * restricted rule, invites).
 * @throws CanonicalJsonError
 */
export function countersignPdu(pdu: Pdu, version: RoomVersion, serverName: string, key: SigningKey): Pdu {
  const signature = encodeBase64(signText(signedForm(redactFields(pdu, version), version), key));
  return { ...pdu, signatures: withSignature(pdu.signatures, serverName, key.keyId, signature) as Signatures };
}

/** Whether the event bears a valid signature of that server and key over its redacted form. */
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
 * The servers whose signatures an event needs (server-server API, "Validating hashes and signatures on received
 * events"; rooms/v8, rule 4.2): the sender's, unless it is an invite by way of a third-party invite; that of the event
 * id in versions 1 and 2; that of `join_authorised_via_users_server`.
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
