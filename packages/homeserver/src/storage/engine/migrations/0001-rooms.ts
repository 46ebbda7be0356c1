import type { Migration } from './migration.ts';

/** Names, the stream, rooms with their events, state and memberships. */
export const rooms: Migration = {
  version: 1,
  name: 'rooms',
  oldestCompatible: 1,
  statements: [
    'CREATE TABLE positions (slot INTEGER PRIMARY KEY, reserved INTEGER NOT NULL)',
    // The signing keys of this server. Old keys stay, because other servers verify old events with them.
    'CREATE TABLE signing_keys (key_id TEXT PRIMARY KEY, seed BLOB NOT NULL, created_ts INTEGER NOT NULL)',
    'CREATE TABLE names (num INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)',
    // The values that decide the next event of a room. `fence` increases with every write to the room.
    `CREATE TABLE rooms (
      num INTEGER PRIMARY KEY,
      version TEXT NOT NULL,
      fence INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      last_event INTEGER NOT NULL,
      depth INTEGER NOT NULL,
      snapshot INTEGER NOT NULL,
      root BLOB NOT NULL,
      extremities BLOB NOT NULL,
      joined INTEGER NOT NULL,
      invited INTEGER NOT NULL,
      published INTEGER NOT NULL DEFAULT 0
    )`,
    // Append-only by stream position. An event without \`seq\` has no place in its room's timeline.
    `CREATE TABLE events (
      num INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE,
      room INTEGER NOT NULL,
      seq INTEGER,
      type INTEGER NOT NULL,
      sender INTEGER NOT NULL,
      state_key INTEGER,
      ts INTEGER NOT NULL,
      depth INTEGER NOT NULL,
      standing INTEGER NOT NULL,
      snapshot INTEGER NOT NULL,
      replaces INTEGER,
      redacted_by INTEGER,
      content TEXT NOT NULL,
      proof BLOB NOT NULL,
      extra TEXT
    )`,
    'CREATE UNIQUE INDEX events_timeline ON events (room, seq) WHERE seq IS NOT NULL',
    'CREATE INDEX events_time ON events (room, ts) WHERE seq IS NOT NULL',
    // The room state after the state event of the same number, as the root of a tree of state nodes.
    'CREATE TABLE snapshots (num INTEGER PRIMARY KEY, room INTEGER NOT NULL, root BLOB NOT NULL)',
    'CREATE TABLE state_nodes (hash BLOB PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID',
    `CREATE TABLE memberships (
      user_num INTEGER NOT NULL,
      room INTEGER NOT NULL,
      membership INTEGER NOT NULL,
      event INTEGER NOT NULL,
      forgotten INTEGER NOT NULL DEFAULT 0,
      PRIMARY KEY (user_num, room)
    ) WITHOUT ROWID`,
    'CREATE INDEX memberships_of_room ON memberships (room, membership, user_num)',
    `CREATE TABLE relations (
      parent INTEGER NOT NULL,
      rel_type INTEGER NOT NULL,
      child INTEGER NOT NULL,
      PRIMARY KEY (parent, rel_type, child)
    ) WITHOUT ROWID`,
    // One row for each thread: its root and its latest reply.
    `CREATE TABLE threads (
      room INTEGER NOT NULL,
      root INTEGER NOT NULL,
      latest INTEGER NOT NULL,
      PRIMARY KEY (room, root)
    ) WITHOUT ROWID`,
    'CREATE INDEX threads_latest ON threads (room, latest)',
    // The transaction ids of each device with their events, kept while a client may repeat a request.
    `CREATE TABLE transactions (
      device INTEGER NOT NULL,
      txn TEXT NOT NULL,
      event INTEGER NOT NULL,
      ts INTEGER NOT NULL,
      PRIMARY KEY (device, txn)
    ) WITHOUT ROWID`,
    'CREATE INDEX transactions_event ON transactions (event)',
    'CREATE INDEX transactions_age ON transactions (ts)',
    `CREATE TABLE aliases (
      alias TEXT PRIMARY KEY,
      room INTEGER NOT NULL,
      creator INTEGER NOT NULL
    )`,
    'CREATE INDEX aliases_of_room ON aliases (room)',
  ],
};
