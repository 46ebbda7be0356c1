import type { Migration } from './migration.ts';

/** Stores peeks between servers (MSC2444). */
export const peeksBetweenServers: Migration = {
  version: 23,
  name: 'peeks between servers',
  oldestCompatible: 22,
  statements: [
    // The peeks of other servers into rooms of this server. A peek that is not renewed ends at `expires_ts`.
    `CREATE TABLE peeking_servers (
      room INTEGER NOT NULL, server TEXT NOT NULL, peek_id TEXT NOT NULL, expires_ts INTEGER NOT NULL,
      PRIMARY KEY (room, server, peek_id)
    ) WITHOUT ROWID`,
    'CREATE INDEX peeking_servers_server ON peeking_servers (server)',
    // The rooms that this server knows by peeking alone. `server` is the one that sends their events, none after the end.
    `CREATE TABLE remote_peeks (
      room INTEGER PRIMARY KEY, server TEXT, peek_id TEXT NOT NULL, expires_ts INTEGER NOT NULL
    )`,
  ],
};
