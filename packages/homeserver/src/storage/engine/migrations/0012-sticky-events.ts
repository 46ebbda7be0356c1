import type { Migration } from './migration.ts';

/** Events that every member is to get for a while, however far back the timeline has left them. */
export const stickyEvents: Migration = {
  version: 12,
  name: 'sticky events',
  oldestCompatible: 1,
  statements: [
    'CREATE TABLE sticky_events (num INTEGER PRIMARY KEY, room INTEGER NOT NULL, expires_ts INTEGER NOT NULL)',
    'CREATE INDEX sticky_events_age ON sticky_events (expires_ts)',
  ],
};
