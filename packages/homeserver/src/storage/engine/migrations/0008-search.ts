import type { Migration, PerEngine } from './migration.ts';

/** The indexes of messages and users, reports and OpenID tokens. */
export const search: Migration = {
  version: 8,
  name: 'search',
  oldestCompatible: 1,
  statements: [
    textIndex('message_index'),
    textIndex('people_index'),
    'CREATE TABLE people (user_num INTEGER PRIMARY KEY, display_name TEXT, avatar_url TEXT)',
    // Rooms whose members every user can find.
    `CREATE TABLE open_rooms (
      room INTEGER PRIMARY KEY,
      is_public INTEGER NOT NULL DEFAULT 0,
      is_readable INTEGER NOT NULL DEFAULT 0
    )`,
    // Reports are kept for a limited time. The number of reports by one user is limited.
    `CREATE TABLE reports (
      id TEXT PRIMARY KEY,
      reporter INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      room INTEGER,
      event INTEGER,
      user_num INTEGER,
      reason TEXT NOT NULL,
      score INTEGER
    )`,
    'CREATE INDEX reports_by_reporter ON reports (reporter, ts)',
    'CREATE INDEX reports_age ON reports (ts)',
    // Tokens are stored as SHA-256 hashes and deleted soon after they expire.
    `CREATE TABLE openid_tokens (
      hash BLOB PRIMARY KEY,
      user_num INTEGER NOT NULL,
      expires INTEGER NOT NULL
    )`,
    'CREATE INDEX openid_tokens_age ON openid_tokens (expires)',
  ],
};

/** Returns the statements of an index of texts, see `text-index.ts`. The index does not contain the texts. */
function textIndex(table: string): PerEngine {
  return {
    sqlite: [
      `CREATE VIRTUAL TABLE ${table} USING fts5(grams, content='', contentless_delete=1, detail=none, tokenize=ascii)`,
    ],
    postgres: [
      `CREATE TABLE ${table} (num BIGINT PRIMARY KEY, grams TSVECTOR NOT NULL)`,
      `CREATE INDEX ${table}_grams ON ${table} USING GIN (grams)`,
    ],
  };
}
