import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql(
  'SELECT key_id, public_key, valid_until, expired, fetched, json FROM server_keys WHERE server = ? ORDER BY key_id',
);
const upsert = sql(
  `INSERT INTO server_keys (server, key_id, public_key, valid_until, expired, fetched, json) VALUES (?, ?, ?, ?, ?, ?, ?)
   ON CONFLICT (server, key_id) DO UPDATE SET public_key = excluded.public_key, valid_until = excluded.valid_until,
     expired = excluded.expired, fetched = excluded.fetched, json = excluded.json`,
);
const trim = sql(
  `DELETE FROM server_keys WHERE fetched <
   (SELECT fetched FROM server_keys ORDER BY fetched DESC LIMIT 1 OFFSET ?)`,
);

/** A signing key of another server. */
export interface ServerKey {
  readonly keyId: string;
  /** Unpadded Base64. */
  readonly publicKey: string;
  /**
   * Until when the answer that lists the key is valid, at most seven days after the fetch. For a key in use this is the
   * validity of the key.
   */
  readonly validUntilTs: number;
  /** The time since which the server does not use the key any more. */
  readonly expiredTs: number | undefined;
  readonly fetchedTs: number;
  /** The signed answer that lists the key, as canonical JSON. */
  readonly json: string;
}

interface Row {
  readonly key_id: string;
  readonly public_key: string;
  readonly valid_until: number;
  readonly expired: number | null;
  readonly fetched: number;
  readonly json: string;
}

/** Returns the known keys of a server. */
export async function readServerKeys(database: Database, server: string): Promise<ServerKey[]> {
  const rows = await database.all<Row>(select, server);
  return rows.map((row) => ({
    keyId: row.key_id,
    publicKey: row.public_key,
    validUntilTs: row.valid_until,
    expiredTs: row.expired ?? undefined,
    fetchedTs: row.fetched,
    json: row.json,
  }));
}

/** Stores a key, in place of an earlier one with the same id. */
export function putServerKey(server: string, key: ServerKey): Write {
  const { keyId, publicKey, validUntilTs, expiredTs, fetchedTs, json } = key;
  return write(upsert, server, keyId, publicKey, validUntilTs, expiredTs ?? null, fetchedTs, json);
}

/** Deletes the keys that were fetched first, beyond the number to keep. */
export function trimServerKeys(keep: number): Write {
  return write(trim, keep);
}
