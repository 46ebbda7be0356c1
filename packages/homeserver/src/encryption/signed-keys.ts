import { badJson, invalidParam } from '@hearth/protocol/errors.ts';
import { CanonicalJsonError, canonicalJson } from '@hearth/protocol/json/canonical.ts';
import {
  asString,
  asStringArray,
  isObject,
  type JsonObject,
  type JsonValue,
  member,
} from '@hearth/protocol/json/value.ts';
import { verifyJson } from '@hearth/protocol/signing/json.ts';
import type { KeyUsage } from '../storage/encryption/cross-signing.ts';

/** Checks of public keys that clients upload or that other servers send (client-server API, "End-to-End Encryption"). */

/** The maximum length of a key object. Objects of current algorithms have less than 1 KiB. */
const KEY_BYTES_MAX = 16 * 1024;

/** The form `algorithm:id` of a one-time key, with limited lengths. */
const KEY_ID = /^[\w.-]{1,60}:[\x21-\x7e]{1,190}$/;

/** A public key with the id under which it signs, `ed25519:<device id or public key>`. */
export interface Signer {
  readonly keyId: string;
  readonly publicKey: string;
}

/**
 * Checks uploaded device keys and returns the device's signing key. The signature of the device is not verified here,
 * because other clients verify it before they trust the device.
 * @throws MatrixError
 */
export function checkDeviceKeys(keys: JsonObject, owner: { userId: string; deviceId: string }): Signer {
  if (member(keys, 'user_id') !== owner.userId) throw invalidParam('The user_id in device_keys is not your user id');
  if (member(keys, 'device_id') !== owner.deviceId)
    throw invalidParam('The device_id in device_keys is not the id of this device');
  if (asStringArray(member(keys, 'algorithms')) === undefined) throw badJson('algorithms must be a list of strings');
  const publicKeys = member(keys, 'keys');
  if (!isObject(publicKeys) || Object.values(publicKeys).some((key) => typeof key !== 'string')) {
    throw badJson('keys must be an object whose values are strings');
  }
  if (!isObject(member(keys, 'signatures'))) throw badJson('signatures must be an object');
  const keyId = `ed25519:${owner.deviceId}`;
  const publicKey = asString(member(publicKeys, keyId));
  if (publicKey === undefined) throw badJson(`device_keys has no key ${keyId}`);
  checkLength(keys);
  return { keyId, publicKey };
}

/** Checks the form of a cross-signing key and returns its public key. @throws MatrixError M_INVALID_PARAM */
export function checkCrossSigningKey(key: JsonObject, userId: string, usage: KeyUsage): Signer {
  if (member(key, 'user_id') !== userId) throw invalidParam(`The user_id of the ${usage} key is not your user id`);
  const usages = asStringArray(member(key, 'usage'));
  if (usages?.includes(usage) !== true) throw invalidParam(`The usage of the ${usage} key must be ${usage}`);
  checkLength(key);
  const signer = signerOf(key);
  if (signer === undefined)
    throw invalidParam(`The ${usage} key must have exactly one Ed25519 key, and its id must contain the public key`);
  return signer;
}

/** Checks a one-time or fallback key and returns it as JSON text. @throws MatrixError M_INVALID_PARAM */
export function checkClaimableKey(keyId: string, key: JsonValue | undefined): string {
  if (!KEY_ID.test(keyId)) throw invalidParam('The id of a one-time key must have the form algorithm:id');
  if (typeof key !== 'string' && !(isObject(key) && typeof key.key === 'string')) {
    throw invalidParam(`${keyId} must be a string or an object with a key`);
  }
  const json = JSON.stringify(key);
  if (json.length > KEY_BYTES_MAX) throw invalidParam(`${keyId} is too long`);
  return json;
}

/** Returns the public key of a cross-signing key. It is the only key in the object, and its id contains it. */
export function signerOf(key: JsonObject): Signer | undefined {
  const keys = member(key, 'keys');
  const [entry, ...others] = isObject(keys) ? Object.entries(keys) : [];
  const publicKey = asString(entry?.[1]);
  if (entry === undefined || others.length > 0 || publicKey === undefined) return undefined;
  return entry[0] === `ed25519:${publicKey}` ? { keyId: entry[0], publicKey } : undefined;
}

/** Returns whether an object has a valid signature of a user's key. */
export function isSignedBy(object: JsonObject, userId: string, { keyId, publicKey }: Signer): boolean {
  return verifyJson(object, userId, keyId, publicKey);
}

/** Returns a user's signatures on an object, by key id. */
export function signaturesBy(object: JsonObject, userId: string): JsonObject {
  const signatures = member(object, 'signatures');
  const own = isObject(signatures) ? member(signatures, userId) : undefined;
  return isObject(own) ? own : {};
}

/** Returns the object with only these signatures of one user, and without `unsigned`. */
export function withSignatures(object: JsonObject, userId: string, signatures: JsonObject): JsonObject {
  const { unsigned: _, signatures: __, ...signed } = object;
  return Object.keys(signatures).length === 0 ? signed : { ...signed, signatures: { [userId]: signatures } };
}

/** Returns a user's valid signatures on an object by these keys. */
export function verifiedSignatures(
  object: JsonObject,
  userId: string,
  signers: readonly (Signer | undefined)[],
): JsonObject {
  const given = signaturesBy(object, userId);
  const verified: JsonObject = {};
  for (const signer of signers) {
    if (signer !== undefined && isSignedBy(object, userId, signer)) verified[signer.keyId] = given[signer.keyId];
  }
  return verified;
}

/** Returns whether two objects are equal in the parts that signatures cover. */
export function isSameKey(a: JsonObject, b: JsonObject): boolean {
  const signedPart = (object: JsonObject) => ({ ...object, signatures: undefined, unsigned: undefined });
  return isSameJson(signedPart(a), signedPart(b));
}

/** Returns whether two values are equal, in any order of members. */
export function isSameJson(a: JsonValue, b: JsonValue): boolean {
  try {
    return canonicalJson(a, 'any') === canonicalJson(b, 'any');
  } catch (error) {
    if (error instanceof CanonicalJsonError) return false;
    throw error;
  }
}

function checkLength(key: JsonObject): void {
  if (JSON.stringify(key).length > KEY_BYTES_MAX) throw invalidParam('The key is too long');
}
