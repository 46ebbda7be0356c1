import { type Database, sql, type Write, write } from '../engine/database.ts';

const read = sql('SELECT key_id, seed, created_ts FROM signing_keys ORDER BY created_ts DESC');
const insert = sql('INSERT INTO signing_keys (key_id, seed, created_ts) VALUES (?, ?, ?)');

export interface StoredSigningKey {
  /** The id of the key, such as `ed25519:a1b2`. */
  readonly keyId: string;
  /** The 32 bytes from which the key pair is derived. */
  readonly seed: Uint8Array;
  readonly createdTs: number;
}

/** Returns the server's signing keys, the newest first. */
export async function readSigningKeys(database: Database): Promise<StoredSigningKey[]> {
  const rows = await database.all<{ key_id: string; seed: Uint8Array; created_ts: number }>(read);
  return rows.map(({ key_id, seed, created_ts }) => ({ keyId: key_id, seed, createdTs: created_ts }));
}

export function insertSigningKey({ keyId, seed, createdTs }: StoredSigningKey): Write {
  return write(insert, keyId, seed, createdTs);
}
