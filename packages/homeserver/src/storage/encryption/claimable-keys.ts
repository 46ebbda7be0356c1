import { type Database, sql, sqlRows, type Write, write, writeRows } from '../engine/database.ts';

const selectStock = sql('SELECT num, device, kind, key_id FROM claimable_keys WHERE device IN @list ORDER BY num');
const selectGiven = sql('SELECT device, algorithm, num FROM given_keys WHERE device IN @list');
const selectOfDevice = sql('SELECT num, key_id, json FROM claimable_keys WHERE device = ? AND kind = 0');
const selectKeys = sql('SELECT num, key_id, json FROM claimable_keys WHERE num IN @list');
const insert = sqlRows('INSERT INTO claimable_keys (num, device, kind, key_id, json) VALUES (?, ?, ?, ?, ?)', [
  'integer',
  'integer',
  'integer',
  'text',
  'text',
]);
const give = sqlRows(
  `INSERT INTO given_keys (device, algorithm, num) VALUES (?, ?, ?)
   ON CONFLICT (device, algorithm) DO UPDATE SET num = excluded.num WHERE excluded.num > given_keys.num`,
  ['integer', 'text', 'integer'],
);
const remove = sql('DELETE FROM claimable_keys WHERE num IN @list');
const markUsed = sql('UPDATE claimable_keys SET kind = 2 WHERE num IN @list AND kind = 1');
const removeDevices = sql('DELETE FROM claimable_keys WHERE device IN @list');
const removeGiven = sql('DELETE FROM given_keys WHERE device IN @list');

/** The kinds of claimable keys. Their values are part of the format on disk. */
export const ONE_TIME = 0;
export const UNUSED_FALLBACK = 1;
export const USED_FALLBACK = 2;

/** A key that others may claim. `key_id` is `algorithm:id`; `json` is the key, a string or an object. */
export interface ClaimableKeyRow {
  readonly num: number;
  readonly device: number;
  readonly kind: number;
  readonly key_id: string;
  readonly json: string;
}

/** Returns the keys of some devices, in the order of their upload. */
export function readKeyStock(database: Database, devices: readonly number[]): Promise<Omit<ClaimableKeyRow, 'json'>[]> {
  return database.all(selectStock, devices);
}

/** The highest number of a claimed one-time key, for a device and an algorithm. */
export interface GivenRow {
  readonly device: number;
  readonly algorithm: string;
  readonly num: number;
}

export function readGivenKeys(database: Database, devices: readonly number[]): Promise<GivenRow[]> {
  return database.all<GivenRow>(selectGiven, devices);
}

/** Returns the one-time keys of a device, including claimed keys that are not deleted yet. */
export function readOneTimeKeys(
  database: Database,
  device: number,
): Promise<Pick<ClaimableKeyRow, 'num' | 'key_id' | 'json'>[]> {
  return database.all(selectOfDevice, device);
}

/** Returns keys by their numbers. */
export function readClaimableKeys(
  database: Database,
  nums: readonly number[],
): Promise<Pick<ClaimableKeyRow, 'num' | 'key_id' | 'json'>[]> {
  return database.all(selectKeys, nums);
}

export function insertClaimableKeys(keys: readonly ClaimableKeyRow[]): Write {
  return writeRows(
    insert,
    keys.map(({ num }) => num),
    keys.map(({ device }) => device),
    keys.map(({ kind }) => kind),
    keys.map(({ key_id }) => key_id),
    keys.map(({ json }) => json),
  );
}

/**
 * Returns the writes that record claimed one-time keys. Keys are claimed in order, so that one number for each device
 * is enough and few pages are written. The keys themselves are deleted with the device's next upload. The writes are
 * guards: the transaction is rejected if one of the keys, or a later one, was claimed before.
 */
export function giveKeys(rows: readonly GivenRow[]): Write {
  const written = writeRows(
    give,
    rows.map(({ device }) => device),
    rows.map(({ algorithm }) => algorithm),
    rows.map(({ num }) => num),
  );
  return { ...written, changes: rows.length };
}

export function deleteClaimableKeys(nums: readonly number[]): Write {
  return write(remove, nums);
}

export function markFallbackKeysUsed(nums: readonly number[]): Write {
  return write(markUsed, nums);
}

export function deleteClaimableKeysOfDevices(devices: readonly number[]): Write[] {
  return [write(removeDevices, devices), write(removeGiven, devices)];
}
