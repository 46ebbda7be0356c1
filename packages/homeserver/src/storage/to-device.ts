import { type Database, guard, sql, sqlRows, type Write, write, writeRows } from './database.ts';
import { firstRowAfter } from './numbering.ts';

const insert = sqlRows('INSERT INTO to_device_messages (num, device, json) VALUES (?, ?, ?)', [
  'integer',
  'integer',
  'text',
]);
const select = sql(
  'SELECT num, json FROM to_device_messages WHERE device = ? AND num >= ? AND num < ? ORDER BY num LIMIT ?',
);
const removeUpTo = sql('DELETE FROM to_device_messages WHERE device = ? AND num < ?');
const removeExcess = sql(
  `DELETE FROM to_device_messages WHERE device = ? AND num <=
   (SELECT num FROM to_device_messages WHERE device = ? ORDER BY num DESC LIMIT 1 OFFSET ?)`,
);
const removeDevices = sql('DELETE FROM to_device_messages WHERE device IN @list');
const insertTransaction = sql(
  'INSERT INTO to_device_transactions (device, txn, ts) VALUES (?, ?, ?) ON CONFLICT (device, txn) DO NOTHING',
);
const removeOldTransactions = sql('DELETE FROM to_device_transactions WHERE ts < ?');
const removeTransactionsOf = sql('DELETE FROM to_device_transactions WHERE device IN @list');

/** A message that waits for a device. `json` is the event as the device gets it. */
export interface ToDeviceRow {
  readonly num: number;
  readonly json: string;
}

/** Messages by column: their numbers, the devices that they wait for, and the events as the devices get them. */
export function insertToDeviceMessages(
  nums: readonly number[],
  devices: readonly number[],
  jsons: readonly string[],
): Write {
  return writeRows(insert, nums, devices, jsons);
}

/** What waits for a device and arrived after one position and up to another, oldest first. */
export function readToDeviceMessages(
  database: Database,
  device: number,
  range: { readonly after: number; readonly upTo: number },
  limit: number,
): Promise<ToDeviceRow[]> {
  return database.all<ToDeviceRow>(select, device, firstRowAfter(range.after), firstRowAfter(range.upTo), limit);
}

/** Removes what a device has got: everything up to a position. */
export function deleteToDeviceMessages(device: number, upTo: number): Write {
  return write(removeUpTo, device, firstRowAfter(upTo));
}

/** Leaves a device only its latest messages. */
export function trimToDeviceMessages(device: number, kept: number): Write {
  return write(removeExcess, device, device, kept);
}

export function deleteToDeviceOfDevices(devices: readonly number[]): Write[] {
  return [write(removeDevices, devices), write(removeTransactionsOf, devices)];
}

/** Guarded: the transaction is refused when the device has used the id before. */
export function insertToDeviceTransaction(device: number, txn: string, ts: number): Write {
  return guard(insertTransaction, device, txn, ts);
}

export function deleteOldToDeviceTransactions(beforeTs: number): Write {
  return write(removeOldTransactions, beforeTs);
}
