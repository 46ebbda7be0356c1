import type { Migration } from './migration.ts';

/** Public keys of devices and users, key backups and to-device messages. JSON is stored as text. */
export const encryption: Migration = {
  version: 5,
  name: 'encryption',
  oldestCompatible: 1,
  statements: [
    // `json` includes the signatures by the owner's keys, which all users may see.
    'CREATE TABLE device_keys (device INTEGER PRIMARY KEY, user_num INTEGER NOT NULL, json TEXT NOT NULL)',
    'CREATE INDEX device_keys_of_user ON device_keys (user_num)',
    // One-time and fallback keys. `num` increases in the order of upload, see `row-numbers.ts`.
    `CREATE TABLE claimable_keys (
      num INTEGER PRIMARY KEY,
      device INTEGER NOT NULL,
      kind INTEGER NOT NULL,
      key_id TEXT NOT NULL,
      json TEXT NOT NULL
    )`,
    'CREATE INDEX claimable_keys_of_device ON claimable_keys (device)',
    // One-time keys are claimed in order. All keys of an algorithm up to `num` were claimed.
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
    // The signatures of users on the master keys of other users. Only the signer sees them.
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
    // The position of the last change of a user's keys, one row for each user who has ever had keys.
    'CREATE TABLE device_list_changes (user_num INTEGER PRIMARY KEY, position INTEGER NOT NULL)',
    'CREATE INDEX device_list_changes_position ON device_list_changes (position)',
    // The index finds users who have joined or left a room after a position, whose keys other members start or stop
    // to track.
    'CREATE INDEX memberships_moved ON memberships (room, event)',
    'CREATE TABLE dehydrated_devices (user_num INTEGER PRIMARY KEY, device INTEGER NOT NULL, json TEXT NOT NULL)',
    // `num` increases in the order of arrival, see `row-numbers.ts`. The messages of each device are limited.
    'CREATE TABLE to_device_messages (num INTEGER PRIMARY KEY, device INTEGER NOT NULL, json TEXT NOT NULL)',
    'CREATE INDEX to_device_messages_of_device ON to_device_messages (device)',
    // Rows are kept while a client may repeat a request.
    `CREATE TABLE to_device_transactions (
      device INTEGER NOT NULL,
      txn TEXT NOT NULL,
      ts INTEGER NOT NULL,
      PRIMARY KEY (device, txn)
    ) WITHOUT ROWID`,
    'CREATE INDEX to_device_transactions_age ON to_device_transactions (ts)',
    // `version` is a position in the stream, which is never used a second time.
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
