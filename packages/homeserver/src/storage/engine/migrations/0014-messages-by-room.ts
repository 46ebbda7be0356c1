import type { Migration } from './migration.ts';

/**
 * Adds the room to each message in the index. The background job builds the index again. Until then, search does not
 * find older messages.
 */
export const messagesByRoom: Migration = {
  version: 14,
  name: 'messages are searched room by room',
  // An older program would insert messages without a room.
  oldestCompatible: 14,
  statements: ["DELETE FROM followers WHERE name = 'search'"],
};
