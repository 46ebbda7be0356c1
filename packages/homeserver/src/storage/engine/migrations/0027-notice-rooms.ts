import type { Migration } from './migration.ts';

/** Stores the rooms in which users get server notices. */
export const noticeRooms: Migration = {
  version: 27,
  name: 'rooms of server notices',
  oldestCompatible: 24,
  statements: ['CREATE TABLE notice_rooms (user_num INTEGER PRIMARY KEY, room INTEGER NOT NULL)'],
};
