import { type Database, guard, sql, sqlRows, type Write, write, writeRows } from '../engine/database.ts';
import { firstRowAfter } from '../engine/row-numbers.ts';

const insert = sqlRows('INSERT INTO to_device_messages (num, device, json, ts) VALUES (?, ?, ?, ?)', [
  'integer',
  'integer',
  'text',
  'integer',
]);
const select = sql(
  'SELECT num, json FROM to_device_messages WHERE device = ? AND num >= ? AND num < ? ORDER BY num LIMIT ?',
);
const removeUpTo = sql('DELETE FROM to_device_messages WHERE device = ? AND num < ?');
const selectUnseen = sql(
  `SELECT d.num FROM devices d WHERE COALESCE(d.seen_ts, d.created) < ?
     AND NOT EXISTS (SELECT 1 FROM dehydrated_devices h WHERE h.device = d.num)
     AND EXISTS (SELECT 1 FROM to_device_messages m WHERE m.device = d.num)`,
);
const selectExcess = sql(
  `SELECT max(num) AS num, count(*) AS count FROM (
     SELECT num, ts, sum(length(json)) OVER (ORDER BY num DESC) AS total FROM to_device_messages WHERE device = ?
   ) AS present WHERE ts < ? OR total > ?`,
);
const removeThrough = sql('DELETE FROM to_device_messages WHERE device = ? AND num <= ?');
const removeDevices = sql('DELETE FROM to_device_messages WHERE device IN @list');
const insertTransaction = sql(
  'INSERT INTO to_device_transactions (device, txn, ts) VALUES (?, ?, ?) ON CONFLICT (device, txn) DO NOTHING',
);
const removeOldTransactions = sql('DELETE FROM to_device_transactions WHERE ts < ?');
const removeTransactionsOf = sql('DELETE FROM to_device_transactions WHERE device IN @list');

/** A to-device message that waits for its device. `json` is the event as the device receives it. */
export interface ToDeviceRow {
  readonly num: number;
  readonly json: string;
}

/**
 * Returns the write that inserts messages by column: their numbers, their devices, and the events as the devices
 * receive them.
 */
export function insertToDeviceMessages(
  nums: readonly number[],
  devices: readonly number[],
  jsons: readonly string[],
  ts: number,
): Write {
  return writeRows(
    insert,
    nums,
    devices,
    jsons,
    nums.map(() => ts),
  );
}

/** Returns the messages for a device that arrived after one position and up to another, oldest first. */
export function readToDeviceMessages(
  database: Database,
  device: number,
  range: { readonly after: number; readonly upTo: number },
  limit: number,
): Promise<ToDeviceRow[]> {
  return database.all<ToDeviceRow>(select, device, firstRowAfter(range.after), firstRowAfter(range.upTo), limit);
}

/** Deletes the messages that a device has received: all up to a position. */
export function deleteToDeviceMessages(device: number, upTo: number): Write {
  return write(removeUpTo, device, firstRowAfter(upTo));
}

/**
 * Returns the devices with messages that were not seen after a time, except dehydrated devices, which are never seen.
 */
export async function readUnseenDevices(database: Database, seenBeforeTs: number): Promise<number[]> {
  const rows = await database.all<{ num: number }>(selectUnseen, seenBeforeTs);
  return rows.map(({ num }) => num);
}

/** The oldest messages of a device: their count, and the number of the last one. */
export interface ExcessMessages {
  readonly num: number;
  readonly count: number;
}

/** Returns the messages of a device that are older than a time or beyond the latest so many characters. */
export async function readExcessMessages(
  database: Database,
  device: number,
  kept: { readonly sinceTs: number; readonly lengthMax: number },
): Promise<ExcessMessages | undefined> {
  const row = await database.first<{ num: number | null; count: number }>(
    selectExcess,
    device,
    kept.sinceTs,
    kept.lengthMax,
  );
  return row === undefined || row.num === null ? undefined : { num: row.num, count: row.count };
}

/** Deletes the messages of a device up to a number. */
export function deleteExcessMessages(device: number, { num }: ExcessMessages): Write {
  return write(removeThrough, device, num);
}

export function deleteToDeviceOfDevices(devices: readonly number[]): Write[] {
  return [write(removeDevices, devices), write(removeTransactionsOf, devices)];
}

/** Returns a guard: the transaction is rejected if the device has used the transaction id before. */
export function insertToDeviceTransaction(device: number, txn: string, ts: number): Write {
  return guard(insertTransaction, device, txn, ts);
}

export function deleteOldToDeviceTransactions(beforeTs: number): Write {
  return write(removeOldTransactions, beforeTs);
}
