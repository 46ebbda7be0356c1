import type { Migration } from './migration.ts';

/**
 * Says of each message in the index in which room it is. The index is made anew by what follows the stream; until it has
 * caught up older messages are not found.
 */
export const messagesByRoom: Migration = {
  version: 14,
  name: 'messages are searched room by room',
  // An older program would put messages in that are in no room.
  oldestCompatible: 14,
  statements: ["DELETE FROM followers WHERE name = 'search'"],
};
