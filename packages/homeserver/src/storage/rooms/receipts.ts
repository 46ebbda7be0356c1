import { type Database, sql, type Write, write } from '../engine/database.ts';

const columns = 'r.room, r.user_num, n.text AS user_id, r.type, r.thread, r.event_id, r.seq, r.ts, r.position';
const selectRooms = sql(`SELECT ${columns} FROM receipts r JOIN names n ON n.num = r.user_num WHERE r.room IN @list`);
const selectSince = sql(
  `SELECT ${columns} FROM receipts r JOIN names n ON n.num = r.user_num
   WHERE r.room IN @list AND r.position > ? ORDER BY r.position`,
);
const upsert = sql(
  `INSERT INTO receipts (room, user_num, type, thread, event_id, seq, ts, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
   ON CONFLICT (room, user_num, type, thread) DO UPDATE
   SET event_id = excluded.event_id, seq = excluded.seq, ts = excluded.ts, position = excluded.position`,
);
const remove = sql('DELETE FROM receipts WHERE room = ? AND user_num = ? AND type = ? AND thread = ?');

/** The types of receipts that are stored. */
export const PUBLIC_RECEIPT = 1;
export const PRIVATE_RECEIPT = 2;

/** A read receipt of a user in a room. `thread` is empty for a receipt without a thread. */
export interface ReceiptRow {
  readonly room: number;
  readonly user_num: number;
  readonly user_id: string;
  readonly type: number;
  readonly thread: string;
  readonly event_id: string;
  readonly seq: number;
  readonly ts: number;
  readonly position: number;
}

/** Returns all receipts of some rooms, with one query. */
export function readReceipts(database: Database, rooms: readonly number[]): Promise<ReceiptRow[]> {
  return database.all<ReceiptRow>(selectRooms, rooms);
}

/** Returns the receipts of some rooms that changed after a position. */
export function readReceiptsSince(
  database: Database,
  rooms: readonly number[],
  position: number,
): Promise<ReceiptRow[]> {
  return database.all<ReceiptRow>(selectSince, rooms, position);
}

export function putReceipt({ room, user_num, type, thread, event_id, seq, ts, position }: ReceiptRow): Write {
  return write(upsert, room, user_num, type, thread, event_id, seq, ts, position);
}

export function deleteReceipt({ room, user_num, type, thread }: ReceiptRow): Write {
  return write(remove, room, user_num, type, thread);
}
