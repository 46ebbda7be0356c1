import type { Migration } from './migration.ts';

/** The state of clients of sliding sync, so that their positions survive a restart. */
export const slidingSync: Migration = {
  version: 9,
  name: 'sliding sync',
  oldestCompatible: 1,
  statements: [
    // At most two rows for each connection: the state that the client has confirmed, and the next one.
    `CREATE TABLE sliding_states (
      device INTEGER NOT NULL,
      connection TEXT NOT NULL,
      id TEXT NOT NULL,
      ts INTEGER NOT NULL,
      state TEXT NOT NULL,
      PRIMARY KEY (device, connection, id)
    )`,
    'CREATE INDEX sliding_states_age ON sliding_states (ts)',
  ],
};
