import type { Migration } from './migration.ts';

/** Stores the events of other servers, and what this server still has to do with them. */
export const remoteEvents: Migration = {
  version: 21,
  name: 'events of other servers',
  oldestCompatible: 21,
  statements: [
    // The state before an event in the graph, if it is not the room's state at that moment, and the room's state after
    // the event, if it does not follow from the event.
    'ALTER TABLE events ADD COLUMN graph_snapshot INTEGER',
    'ALTER TABLE events ADD COLUMN snapshot_after INTEGER',
    // Events that events of the room follow, and that this server does not have.
    `CREATE TABLE missing_events (
      room INTEGER NOT NULL, id BLOB NOT NULL, follower INTEGER NOT NULL, PRIMARY KEY (room, id, follower)
    ) WITHOUT ROWID`,
    // Redactions whose targets this server does not have.
    `CREATE TABLE early_redactions (
      target BLOB NOT NULL, redaction INTEGER NOT NULL, PRIMARY KEY (target, redaction)
    ) WITHOUT ROWID`,
    // The stripped state that came with an invite or a knock of a user of this server.
    `CREATE TABLE invite_states (
      user_num INTEGER NOT NULL, room INTEGER NOT NULL, json TEXT NOT NULL, PRIMARY KEY (user_num, room)
    ) WITHOUT ROWID`,
    // The servers that have or had members in a room.
    `CREATE TABLE room_servers (
      server TEXT NOT NULL, room INTEGER NOT NULL, PRIMARY KEY (server, room)
    ) WITHOUT ROWID`,
    // Events that were received and not yet processed.
    `CREATE TABLE staged_events (
      num INTEGER PRIMARY KEY,
      room_id TEXT NOT NULL,
      event_id TEXT NOT NULL,
      origin TEXT NOT NULL,
      json TEXT NOT NULL,
      ts INTEGER NOT NULL,
      UNIQUE (room_id, event_id, origin)
    )`,
    'CREATE INDEX staged_events_room ON staged_events (room_id, num)',
    // Servers that have not received all events: they have those up to a position.
    `CREATE TABLE late_servers (
      server TEXT PRIMARY KEY, position INTEGER NOT NULL, failing_since INTEGER NOT NULL
    )`,
    // Events of other servers that this server passes on to the servers of their rooms. `num` is the position at which
    // that was decided.
    'CREATE TABLE forwarded_events (num INTEGER PRIMARY KEY, event INTEGER NOT NULL UNIQUE, ts INTEGER NOT NULL)',
    // Changes of the keys of this server's users that are not yet sent to other servers. The device id of a change of
    // cross-signing keys is empty.
    'CREATE TABLE device_list_outbox (num INTEGER PRIMARY KEY, user_num INTEGER NOT NULL, device_id TEXT NOT NULL)',
    'CREATE INDEX device_list_outbox_user ON device_list_outbox (user_num, num)',
    // The stream id of the last device list update of each user of this server.
    'CREATE TABLE device_list_streams (user_num INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL)',
    // Device lists of users of other servers. A list with a stale_ts has to be fetched again.
    `CREATE TABLE remote_device_lists (
      user_num INTEGER PRIMARY KEY, stream_id INTEGER NOT NULL, stale_ts INTEGER, master TEXT, self_signing TEXT
    )`,
    'CREATE INDEX remote_device_lists_stale ON remote_device_lists (stale_ts)',
    `CREATE TABLE remote_devices (
      user_num INTEGER NOT NULL, device_id TEXT NOT NULL, display_name TEXT, json TEXT NOT NULL,
      PRIMARY KEY (user_num, device_id)
    ) WITHOUT ROWID`,
  ],
};
