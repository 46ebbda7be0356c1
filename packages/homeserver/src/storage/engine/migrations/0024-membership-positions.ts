import type { Migration } from './migration.ts';

/** Stores when memberships have changed, which may be later than their member events. */
export const membershipPositions: Migration = {
  version: 24,
  name: 'positions of membership changes',
  // An older program would not update the positions.
  oldestCompatible: 24,
  statements: [
    // The position in the stream at which `event` became the current member event of the user.
    'ALTER TABLE memberships ADD COLUMN position INTEGER NOT NULL DEFAULT 0',
    'UPDATE memberships SET position = event',
    'DROP INDEX memberships_moved',
    'CREATE INDEX memberships_moved ON memberships (room, position, event)',
  ],
};
