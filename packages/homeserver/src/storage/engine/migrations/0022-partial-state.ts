import type { Migration } from './migration.ts';

/** Stores the rooms that this server has joined without their whole state (MSC3902). */
export const partialState: Migration = {
  version: 22,
  name: 'rooms with partial state',
  oldestCompatible: 22,
  statements: [
    // The joins by which this server came into rooms whose whole state it does not have yet. `event` is the join, `servers`
    // the other servers in the room at that time, as JSON.
    `CREATE TABLE partial_joins (
      room INTEGER NOT NULL, event INTEGER NOT NULL, servers TEXT NOT NULL, ts INTEGER NOT NULL,
      PRIMARY KEY (room, event)
    ) WITHOUT ROWID`,
    // The positions in the stream at which the states of rooms became whole.
    'CREATE TABLE completed_states (room INTEGER PRIMARY KEY, position INTEGER NOT NULL)',
    'CREATE INDEX completed_states_position ON completed_states (position)',
    // Soft-failed and rejected events, which are examined again when the state of their room is whole.
    'CREATE INDEX events_outside ON events (room, num) WHERE seq IS NULL AND standing IN (1, 2)',
  ],
};
