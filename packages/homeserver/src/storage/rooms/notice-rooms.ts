import { type Database, sql, type Write, write } from '../engine/database.ts';

const read = sql('SELECT room FROM notice_rooms WHERE user_num = ?');
const put = sql(
  'INSERT INTO notice_rooms (user_num, room) VALUES (?, ?) ON CONFLICT (user_num) DO UPDATE SET room = excluded.room',
);

/** Returns the room in which a user gets server notices. */
export async function readNoticeRoom(database: Database, user: number): Promise<number | undefined> {
  return (await database.first<{ room: number }>(read, user))?.room;
}

export function putNoticeRoom(user: number, room: number): Write {
  return write(put, user, room);
}
