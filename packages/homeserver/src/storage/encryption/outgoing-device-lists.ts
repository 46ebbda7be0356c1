import { type Database, sql, type Write, write } from '../engine/database.ts';

const insertDevice = sql(
  'INSERT INTO device_list_outbox (num, user_num, device_id) SELECT ?, user_num, device_id FROM devices WHERE num = ?',
);
const insertCrossSigning = sql("INSERT INTO device_list_outbox (num, user_num, device_id) VALUES (?, ?, '')");
const selectOfUser = sql('SELECT num, device_id FROM device_list_outbox WHERE user_num = ? ORDER BY num LIMIT ?');
const selectUsers = sql('SELECT DISTINCT user_num FROM device_list_outbox');
const removeThrough = sql('DELETE FROM device_list_outbox WHERE user_num = ? AND num <= ?');
const selectStream = sql('SELECT stream_id FROM device_list_streams WHERE user_num = ?');
const upsertStream = sql(
  `INSERT INTO device_list_streams (user_num, stream_id) VALUES (?, ?)
   ON CONFLICT (user_num) DO UPDATE SET stream_id = excluded.stream_id`,
);

/** A change of a user's keys that is not yet sent to other servers. */
export interface OutgoingListChange {
  readonly num: number;
  /** The changed device; empty for cross-signing keys. */
  readonly device_id: string;
}

/** Returns the write that queues a change of the keys of a device, which exists before the write. */
export function queueDeviceUpdate(num: number, device: number): Write {
  return write(insertDevice, num, device);
}

/** Returns the write that queues a change of a user's cross-signing keys. */
export function queueCrossSigningUpdate(num: number, user: number): Write {
  return write(insertCrossSigning, num, user);
}

/** Returns the queued changes of a user, oldest first. */
export function readListChanges(database: Database, user: number, limit: number): Promise<OutgoingListChange[]> {
  return database.all<OutgoingListChange>(selectOfUser, user, limit);
}

/** Returns the users with queued changes. */
export async function readUsersWithListChanges(database: Database): Promise<number[]> {
  const rows = await database.all<{ user_num: number }>(selectUsers);
  return rows.map(({ user_num }) => user_num);
}

/** Deletes the queued changes of a user up to a number. */
export function deleteListChanges(user: number, through: number): Write {
  return write(removeThrough, user, through);
}

/** Returns the stream id of the last update of a user's device list that was sent to other servers; 0 without any. */
export async function readDeviceListStreamId(database: Database, user: number): Promise<number> {
  return (await database.first<{ stream_id: number }>(selectStream, user))?.stream_id ?? 0;
}

export function putDeviceListStreamId(user: number, streamId: number): Write {
  return write(upsertStream, user, streamId);
}
