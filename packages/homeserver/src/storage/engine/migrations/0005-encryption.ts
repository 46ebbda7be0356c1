import type { Migration } from './migration.ts';

/** Public keys of devices and users, key backups, messages to devices. All JSON is text. */
export const encryption: Migration = {
  version: 5,
  name: 'encryption',
  oldestCompatible: 1,
  statements: [
    // `json` has the signatures by the owner's keys: those that everybody may see.
    'CREATE TABLE device_keys (device INTEGER PRIMARY KEY, user_num INTEGER NOT NULL, json TEXT NOT NULL)',
    'CREATE INDEX device_keys_of_user ON device_keys (user_num)',
    // One-time and fallback keys; `num` rises in the order of upload, see `row-numbers.ts`.
    `CREATE TABLE claimable_keys (
      num INTEGER PRIMARY KEY,
      device INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      key_id TEXT NOT NULL,
      json TEXT NOT NULL
    )`,
    'CREATE INDEX claimable_keys_of_device ON claimable_keys (device)',
    // One-time keys are given out in order: all of an algorithm up to `num` are.
    `CREATE TABLE given_keys (
      device INTEGER NOT NULL,
      algorithm TEXT NOT NULL,
      num INTEGER NOT NULL,
      PRIMARY KEY (device, algorithm)
    ) WITHOUT ROWID`,
    `CREATE TABLE cross_signing_keys (
      user_num INTEGER NOT NULL,
      key_usage INTEGER NOT NULL,
      json TEXT NOT NULL,
      PRIMARY KEY (user_num, key_usage)
    )`,
    // The signatures of users on the master keys of others; only the signer sees them.
    `CREATE TABLE user_signatures (
      signer INTEGER NOT NULL,
      user_num INTEGER NOT NULL,
      master_key TEXT NOT NULL,
      signing_key TEXT NOT NULL,
      signature TEXT NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (signer, user_num)
    )`,
    'CREATE INDEX user_signatures_of_user ON user_signatures (user_num)',
    // When a user's keys changed last: one row for each user who has ever had keys.
    'CREATE TABLE device_list_changes (user_num INTEGER PRIMARY KEY, position INTEGER NOT NULL)',
    'CREATE INDEX device_list_changes_position ON device_list_changes (position)',
    // The users who have joined or left a room after a position: a user begins or ceases to follow their keys.
    'CREATE INDEX memberships_moved ON memberships (room, event)',
    'CREATE TABLE dehydrated_devices (user_num INTEGER PRIMARY KEY, device INTEGER NOT NULL, json TEXT NOT NULL)',
    // `num` rises in the order of arrival, see `row-numbers.ts`. Bounded for each device.
    'CREATE TABLE to_device_messages (num INTEGER PRIMARY KEY, device INTEGER NOT NULL, json TEXT NOT NULL)',
    'CREATE INDEX to_device_messages_of_device ON to_device_messages (device)',
    // Kept for as long as a client may repeat a request.
    `CREATE TABLE to_device_transactions (
      device INTEGER NOT NULL,
      txn TEXT NOT NULL,
      ts INTEGER NOT NULL,
      PRIMARY KEY (device, txn)
    ) WITHOUT ROWID`,
    'CREATE INDEX to_device_transactions_age ON to_device_transactions (ts)',
    // `version` is a place in the stream: never used a second time.
    `CREATE TABLE key_backups (
      user_num INTEGER NOT NULL,
      version INTEGER NOT NULL,
      algorithm TEXT NOT NULL,
      auth_data TEXT NOT NULL,
      etag INTEGER NOT NULL,
      sessions INTEGER NOT NULL,
      PRIMARY KEY (user_num, version)
    )`,
    `CREATE TABLE key_backup_sessions (
      user_num INTEGER NOT NULL,
      version INTEGER NOT NULL,
      room INTEGER NOT NULL,
      session_id TEXT NOT NULL,
      first_message_index INTEGER NOT NULL,
      forwarded_count INTEGER NOT NULL,
      is_verified INTEGER NOT NULL,
      session_data TEXT NOT NULL,
      PRIMARY KEY (user_num, version, room, session_id)
    ) WITHOUT ROWID`,
  ],
};
