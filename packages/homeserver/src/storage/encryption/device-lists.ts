import { type Database, sql, type Write, write } from '../engine/database.ts';

const upsert = sql(
  `INSERT INTO device_list_changes (user_num, position) VALUES (?, ?)
   ON CONFLICT (user_num) DO UPDATE SET position = excluded.position`,
);
const selectAfter = sql('SELECT user_num FROM device_list_changes WHERE position > ? AND position <= ?');

/** Returns the write that records a change of a user's keys. */
export function putDeviceListChange(user: number, position: number): Write {
  return write(upsert, user, position);
}

/** Returns the users whose last change of keys is after one position and up to another. */
export async function readDeviceListChanges(database: Database, after: number, upTo: number): Promise<number[]> {
  const rows = await database.all<{ user_num: number }>(selectAfter, after, upTo);
  return rows.map(({ user_num }) => user_num);
}
