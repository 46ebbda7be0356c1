import type { Migration } from './migration.ts';

/** The data of users besides rooms: profiles, filters, account data, receipts, presence. */
export const userData: Migration = {
  version: 3,
  name: 'user-data',
  oldestCompatible: 1,
  statements: [
    // At most 64 KiB for each user.
    `CREATE TABLE profile_fields (
      user_num INTEGER NOT NULL,
      key_name TEXT NOT NULL,
      value TEXT NOT NULL,
      PRIMARY KEY (user_num, key_name)
    ) WITHOUT ROWID`,
    // The id is a hash of the filter. The number of filters for each user is limited.
    `CREATE TABLE filters (
      user_num INTEGER NOT NULL,
      id TEXT NOT NULL,
      json TEXT NOT NULL,
      ts INTEGER NOT NULL,
      PRIMARY KEY (user_num, id)
    )`,
    // `room` is 0 for global account data.
    `CREATE TABLE account_data (
      user_num INTEGER NOT NULL,
      room INTEGER NOT NULL,
      type INTEGER NOT NULL,
      content TEXT NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (user_num, room, type)
    ) WITHOUT ROWID`,
    // `thread` is empty for a receipt without a thread. The number of threads for each user is limited.
    `CREATE TABLE receipts (
      room INTEGER NOT NULL,
      user_num INTEGER NOT NULL,
      type INTEGER NOT NULL,
      thread TEXT NOT NULL,
      event_id TEXT NOT NULL,
      seq INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (room, user_num, type, thread)
    ) WITHOUT ROWID`,
    'CREATE INDEX receipts_changed ON receipts (room, position)',
    // One row for each local user. Rows without a status message are deleted after a while.
    `CREATE TABLE presence (
      user_num INTEGER PRIMARY KEY,
      state INTEGER NOT NULL,
      status_msg TEXT,
      active_ts INTEGER NOT NULL
    )`,
  ],
};
