import type { Migration } from './migration.ts';

/** Accounts, their devices and tokens. Tokens are stored as SHA-256 hashes. */
export const accounts: Migration = {
  version: 2,
  name: 'accounts',
  oldestCompatible: 1,
  statements: [
    `CREATE TABLE accounts (
      user_num INTEGER PRIMARY KEY,
      password_hash TEXT,
      user_type TEXT,
      is_admin INTEGER NOT NULL DEFAULT 0,
      is_guest INTEGER NOT NULL DEFAULT 0,
      is_deactivated INTEGER NOT NULL DEFAULT 0,
      is_erased INTEGER NOT NULL DEFAULT 0,
      is_locked INTEGER NOT NULL DEFAULT 0,
      is_suspended INTEGER NOT NULL DEFAULT 0,
      created INTEGER NOT NULL
    )`,
    // The number of a device is never used again, so that remaining rows of an old device cannot belong to a new one.
    'CREATE TABLE sequences (name TEXT PRIMARY KEY, last INTEGER NOT NULL)',
    `CREATE TABLE devices (
      num INTEGER PRIMARY KEY,
      user_num INTEGER NOT NULL,
      device_id TEXT NOT NULL,
      display_name TEXT,
      created INTEGER NOT NULL,
      seen_ts INTEGER,
      seen_ip TEXT,
      seen_agent TEXT,
      UNIQUE (user_num, device_id)
    )`,
    // `replaces` is the refresh token that is deleted when this token is first used.
    `CREATE TABLE access_tokens (
      hash BLOB PRIMARY KEY,
      user_num INTEGER NOT NULL,
      device INTEGER NOT NULL,
      expires INTEGER,
      replaces BLOB
    )`,
    'CREATE INDEX access_tokens_of_device ON access_tokens (device)',
    'CREATE INDEX access_tokens_replacing ON access_tokens (replaces)',
    `CREATE TABLE refresh_tokens (
      hash BLOB PRIMARY KEY,
      user_num INTEGER NOT NULL,
      device INTEGER NOT NULL,
      replaces BLOB
    )`,
    'CREATE INDEX refresh_tokens_of_device ON refresh_tokens (device)',
    'CREATE INDEX refresh_tokens_replacing ON refresh_tokens (replaces)',
    `CREATE TABLE registration_tokens (
      hash BLOB PRIMARY KEY,
      uses_left INTEGER,
      expires INTEGER,
      makes_admin INTEGER NOT NULL DEFAULT 0,
      first_start INTEGER NOT NULL DEFAULT 0
    )`,
  ],
};
