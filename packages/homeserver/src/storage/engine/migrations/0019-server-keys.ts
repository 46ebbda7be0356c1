import type { Migration } from './migration.ts';

/** Stores the signing keys of other servers, each with the signed answer that lists it. */
export const serverKeys: Migration = {
  version: 19,
  name: 'signing keys of other servers',
  oldestCompatible: 15,
  statements: [
    `CREATE TABLE server_keys (
      server TEXT NOT NULL, key_id TEXT NOT NULL, public_key TEXT NOT NULL,
      valid_until INTEGER NOT NULL, expired INTEGER, fetched INTEGER NOT NULL, json TEXT NOT NULL,
      PRIMARY KEY (server, key_id))`,
    'CREATE INDEX server_keys_fetched ON server_keys (fetched)',
  ],
};
