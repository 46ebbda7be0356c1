import { encodeBase64 } from '../encoding/base64.ts';
import { signaturesOf } from '../events/event.ts';
import { CanonicalJsonError, type CanonicalNumbers, canonicalJson } from '../json/canonical.ts';
import { isObject, type JsonObject, member } from '../json/value.ts';
import { type SigningKey, signText, type VerifyKey, verifyKey, verifyText } from './ed25519.ts';

/**
 * Returns a copy of the object with this server's signature added to those it has (appendices, "Signing Details").
 * @throws CanonicalJsonError
 */
export function signJson<T extends JsonObject>(object: T, serverName: string, key: SigningKey): T & JsonObject {
  const signature = encodeBase64(signText(signedText(object), key));
  return { ...object, signatures: withSignature(object.signatures, serverName, key.keyId, signature) };
}

/** Returns whether an object has a valid signature of a server by a key (appendices, "Checking for a Signature"). */
export function verifyJson(object: JsonObject, serverName: string, keyId: string, publicKeyBase64: string): boolean {
  const key = verifyKey(publicKeyBase64);
  return key !== undefined && verifyJsonWithKey(object, serverName, keyId, key);
}

/** Returns the result of `verifyJson` for a key that is already parsed. */
export function verifyJsonWithKey(
  object: JsonObject,
  serverName: string,
  keyId: string,
  key: VerifyKey,
  numbers: CanonicalNumbers = 'integers',
): boolean {
  const signature = signaturesOf(object, serverName)[keyId];
  if (signature === undefined || !keyId.startsWith('ed25519:')) return false;
  try {
    return verifyText(signedText(object, numbers), signature, key);
  } catch (error) {
    // A value without a canonical form cannot have been signed.
    if (error instanceof CanonicalJsonError) return false;
    throw error;
  }
}

/** Returns the ids of the Ed25519 keys with which a server signed the object. */
export function signingKeyIds(object: JsonObject, serverName: string): string[] {
  return Object.keys(signaturesOf(object, serverName)).filter((keyId) => keyId.startsWith('ed25519:'));
}

/** Returns a copy of `signatures` with one more signature. Values that are not objects are replaced. */
export function withSignature(signatures: unknown, serverName: string, keyId: string, signature: string): JsonObject {
  const all = isObject(signatures) ? signatures : {};
  const own = member(all, serverName);
  return { ...all, [serverName]: { ...(isObject(own) ? own : {}), [keyId]: signature } };
}

function signedText(object: JsonObject, numbers?: CanonicalNumbers): string {
  return canonicalJson({ ...object, signatures: undefined, unsigned: undefined }, numbers);
}
