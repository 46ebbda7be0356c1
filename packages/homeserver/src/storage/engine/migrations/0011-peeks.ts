import type { Migration } from './migration.ts';

/** Rooms into which devices peek without having joined them. */
export const peeks: Migration = {
  version: 11,
  name: 'peeks',
  oldestCompatible: 1,
  statements: [
    `CREATE TABLE peeks (
      device INTEGER NOT NULL,
      room INTEGER NOT NULL,
      position INTEGER NOT NULL,
      PRIMARY KEY (device, room)
    )`,
  ],
};
