import { type Database, sql, type Write, write } from '../engine/database.ts';

const selectKeys = sql('SELECT user_num, key_usage, json FROM cross_signing_keys WHERE user_num IN @list');
const upsertKey = sql(
  `INSERT INTO cross_signing_keys (user_num, key_usage, json) VALUES (?, ?, ?)
   ON CONFLICT (user_num, key_usage) DO UPDATE SET json = excluded.json`,
);
const removeKeys = sql('DELETE FROM cross_signing_keys WHERE user_num = ? AND key_usage IN @list');
const selectSignatures = sql(
  'SELECT signer, user_num, master_key, signing_key, signature, position FROM user_signatures WHERE signer IN @list',
);
const upsertSignature = sql(
  `INSERT INTO user_signatures (signer, user_num, master_key, signing_key, signature, position) VALUES (?, ?, ?, ?, ?, ?)
   ON CONFLICT (signer, user_num) DO UPDATE SET master_key = excluded.master_key, signing_key = excluded.signing_key,
   signature = excluded.signature, position = excluded.position`,
);
const removeSignaturesBy = sql('DELETE FROM user_signatures WHERE signer = ?');
const removeSignaturesOf = sql('DELETE FROM user_signatures WHERE user_num = ?');

/** The usages of cross-signing keys. Their order is part of the format on disk. */
export const KEY_USAGES = ['master', 'self_signing', 'user_signing'] as const;
export type KeyUsage = (typeof KEY_USAGES)[number];

/** A cross-signing key of a user. `json` is the uploaded key with its owner's signatures. */
export interface CrossSigningKeyRow {
  readonly user_num: number;
  readonly key_usage: number;
  readonly json: string;
}

/** A signature by the user-signing key of `signer` on the master key of another user. */
export interface UserSignatureRow {
  readonly signer: number;
  readonly user_num: number;
  /** The signed public key. */
  readonly master_key: string;
  /** The id of the signing key, `ed25519:…`. */
  readonly signing_key: string;
  readonly signature: string;
  readonly position: number;
}

/** Returns all cross-signing keys of some users. */
export function readCrossSigningKeys(database: Database, users: readonly number[]): Promise<CrossSigningKeyRow[]> {
  return database.all<CrossSigningKeyRow>(selectKeys, users);
}

export function putCrossSigningKey(user: number, usage: KeyUsage, json: string): Write {
  return write(upsertKey, user, KEY_USAGES.indexOf(usage), json);
}

export function deleteCrossSigningKeys(user: number, usages: readonly KeyUsage[]): Write {
  return write(
    removeKeys,
    user,
    usages.map((usage) => KEY_USAGES.indexOf(usage)),
  );
}

/** Returns the signatures of some users on keys of others. */
export function readUserSignatures(database: Database, signers: readonly number[]): Promise<UserSignatureRow[]> {
  return database.all<UserSignatureRow>(selectSignatures, signers);
}

export function putUserSignature(row: UserSignatureRow): Write {
  return write(upsertSignature, row.signer, row.user_num, row.master_key, row.signing_key, row.signature, row.position);
}

export function deleteSignaturesBy(signer: number): Write {
  return write(removeSignaturesBy, signer);
}

export function deleteSignaturesOf(user: number): Write {
  return write(removeSignaturesOf, user);
}
