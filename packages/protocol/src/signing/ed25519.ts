import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '../encoding/base64.ts';

/** A private key of this server. `keyId` is the signing key identifier, `ed25519:<version>`. */
export interface SigningKey {
  readonly keyId: string;
  /** The public key, unpadded Base64. */
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

/** A parsed public key. */
export type VerifyKey = KeyObject;

export const SEED_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const PUBLIC_KEY_BYTES = 32;

/** The DER headers before the raw bytes of a private and of a public Ed25519 key (RFC 8410). */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');
const KEY_ID = /^ed25519:[A-Za-z0-9_]+$/;

/**
 * Derives a signing key from a seed of 32 bytes (appendices, "Signing Details").
 * @throws RangeError when the seed or the key id is malformed.
 */
export function signingKeyFromSeed(seed: Uint8Array, keyId: string): SigningKey {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a signing key's seed has ${SEED_BYTES} bytes`);
  if (!KEY_ID.test(keyId)) throw new RangeError(`${keyId} is not an ed25519 key id`);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, seed]), format: 'der', type: 'pkcs8' });
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { keyId, publicKey: encodeBase64(der.subarray(SPKI_HEADER.length)), privateKey };
}

/**
 * Parses a public key in Base64. Returns undefined for any other text. Callers keep the result of a key that they use
 * often.
 */
export function verifyKey(publicKeyBase64: string): VerifyKey | undefined {
  const raw = decodeBase64(publicKeyBase64);
  if (raw?.length !== PUBLIC_KEY_BYTES) return undefined;
  return createPublicKey({ key: Buffer.concat([SPKI_HEADER, raw]), format: 'der', type: 'spki' });
}

/** Returns the Ed25519 signature (64 bytes) of a text in UTF-8. */
export function signText(text: string, key: SigningKey): Uint8Array {
  return sign(null, Buffer.from(text), key.privateKey);
}

/** Returns whether a signature in Base64 is valid for a text in UTF-8. */
export function verifyText(text: string, signatureBase64: string, key: VerifyKey): boolean {
  const signature = decodeBase64(signatureBase64);
  return signature?.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), key, signature);
}
