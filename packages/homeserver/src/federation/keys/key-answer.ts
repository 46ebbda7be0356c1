import { signaturesOf } from '@hearth/protocol/events/event.ts';
import { canonicalJson } from '@hearth/protocol/json/canonical.ts';
import { asInteger, asObject, asString, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { verifyKey } from '@hearth/protocol/signing/ed25519.ts';
import { verifyJson } from '@hearth/protocol/signing/json.ts';
import { KEY_VALIDITY_MS_MAX } from '@hearth/protocol/signing/key-validity.ts';
import type { ServerKey } from '../../storage/federation/server-keys.ts';

/** Servers have one key and a few old ones. */
const KEYS_MAX = 50;
/** An id may contain any visible character, slashes included. */
const KEY_ID = /^ed25519:[!-~]{1,190}$/;
export const ANSWER_BYTES_MAX = 64 * 1024;

interface PublishedKey {
  readonly keyId: string;
  readonly publicKey: string;
  readonly expiredTs: number | undefined;
}

/**
 * Parses the keys that a server has published (server-server API, "Publishing Keys"). Returns undefined for an answer
 * that is malformed, of another server, too long, or not signed by one of the keys in use that it lists.
 */
export function parseKeyAnswer(answer: JsonObject, server: string, nowTs: number): ServerKey[] | undefined {
  const statedTs = asInteger(answer.valid_until_ts);
  const verifyKeys = Object.entries(asObject(answer.verify_keys) ?? {});
  // Some servers leave this member out.
  const oldVerifyKeys = Object.entries(asObject(answer.old_verify_keys) ?? {});
  const isBounded = verifyKeys.length + oldVerifyKeys.length <= KEYS_MAX;
  if (answer.server_name !== server || statedTs === undefined || !isBounded) return undefined;
  const current = verifyKeys.flatMap(publishedKey).map((key) => ({ ...key, expiredTs: undefined }));
  const old = oldVerifyKeys.flatMap(publishedKey).filter(({ expiredTs }) => expiredTs !== undefined);
  const signatures = validSignatures(answer, server, current);
  if (Object.keys(signatures).length === 0) return undefined;
  // Members that the signature does not cover are not kept.
  const json = canonicalJson({ ...answer, unsigned: undefined, signatures: { [server]: signatures } });
  if (json.length > ANSWER_BYTES_MAX) return undefined;
  const validUntilTs = Math.min(statedTs, nowTs + KEY_VALIDITY_MS_MAX);
  return [...old, ...current].map((key) => ({ ...key, validUntilTs, fetchedTs: nowTs, json }));
}

function publishedKey([keyId, value]: readonly [string, JsonValue | undefined]): PublishedKey[] {
  const fields = asObject(value);
  const publicKey = asString(fields?.key);
  if (!KEY_ID.test(keyId) || publicKey === undefined || verifyKey(publicKey) === undefined) return [];
  return [{ keyId, publicKey, expiredTs: asInteger(fields?.expired_ts) }];
}

function validSignatures(answer: JsonObject, server: string, keys: readonly PublishedKey[]): Record<string, string> {
  const valid = Object.entries(signaturesOf(answer, server)).filter(([keyId]) => {
    const key = keys.find((one) => one.keyId === keyId);
    return key !== undefined && verifyJson(answer, server, keyId, key.publicKey);
  });
  return Object.fromEntries(valid);
}

/** The source of an answer: the server itself, or a notary. */
export type AnswerSource = 'server' | 'notary';

/**
 * Returns which of two keys with the same id counts. A notary may have an older answer, and cannot replace a key by
 * another one. The server itself can do both, unless its answer is not valid any more.
 */
export function newerKey(known: ServerKey | undefined, fetched: ServerKey, source: AnswerSource): ServerKey {
  if (known === undefined || fetched.validUntilTs >= known.validUntilTs) {
    const isReplaced = known !== undefined && known.publicKey !== fetched.publicKey;
    return isReplaced && source === 'notary' ? known : fetched;
  }
  return source === 'server' && fetched.validUntilTs > fetched.fetchedTs ? fetched : known;
}
