import type { Migration } from './migration.ts';

/** Delayed events (MSC4140). */
export const delayedEvents: Migration = {
  version: 10,
  name: 'delayed events',
  oldestCompatible: 1,
  statements: [
    `CREATE TABLE delayed_events (
      id TEXT PRIMARY KEY,
      user_num INTEGER NOT NULL,
      device INTEGER NOT NULL,
      txn TEXT,
      room_id TEXT NOT NULL,
      type TEXT NOT NULL,
      state_key TEXT,
      content TEXT NOT NULL,
      sticky_ms INTEGER,
      delay_ms INTEGER NOT NULL,
      send_ts INTEGER NOT NULL
    )`,
  ],
};
