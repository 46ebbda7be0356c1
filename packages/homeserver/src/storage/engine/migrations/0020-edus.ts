import type { Migration } from './migration.ts';

/**
 * Stores the EDUs that wait for other servers, and the ids of the to-device messages that other servers have sent, so
 * that a repeated one is not delivered twice.
 */
export const edus: Migration = {
  version: 20,
  name: 'EDUs between servers',
  oldestCompatible: 15,
  statements: [
    'CREATE TABLE outgoing_edus (num INTEGER PRIMARY KEY, server TEXT NOT NULL, json TEXT NOT NULL, ts INTEGER NOT NULL)',
    'CREATE INDEX outgoing_edus_server ON outgoing_edus (server, num)',
    'CREATE INDEX outgoing_edus_ts ON outgoing_edus (ts)',
    `CREATE TABLE received_messages (
      server TEXT NOT NULL, message_id TEXT NOT NULL, ts INTEGER NOT NULL, PRIMARY KEY (server, message_id))`,
    'CREATE INDEX received_messages_ts ON received_messages (ts)',
  ],
};
