import type { Migration } from './migration.ts';

/** Sticky events (MSC4354), which every member receives even if they are old in the timeline. */
export const stickyEvents: Migration = {
  version: 12,
  name: 'sticky events',
  oldestCompatible: 1,
  statements: [
    'CREATE TABLE sticky_events (num INTEGER PRIMARY KEY, room INTEGER NOT NULL, expires_ts INTEGER NOT NULL)',
    'CREATE INDEX sticky_events_age ON sticky_events (expires_ts)',
  ],
};
