import { type Database, sql, type Write, write } from '../engine/database.ts';

const selectOfUsers = sql(
  `SELECT k.device, k.user_num, d.device_id, d.display_name, k.json
   FROM device_keys k JOIN devices d ON d.num = k.device WHERE k.user_num IN @list ORDER BY k.device`,
);
const selectOne = sql('SELECT json FROM device_keys WHERE device = ?');
const upsert = sql(
  `INSERT INTO device_keys (device, user_num, json) VALUES (?, ?, ?)
   ON CONFLICT (device) DO UPDATE SET json = excluded.json`,
);
const removeDevices = sql('DELETE FROM device_keys WHERE device IN @list');

/** The identity keys of a device. `json` is the uploaded object without `unsigned`, with its owner's signatures. */
export interface DeviceKeysRow {
  readonly device: number;
  readonly user_num: number;
  readonly device_id: string;
  readonly display_name: string | null;
  readonly json: string;
}

/** Returns all devices of some users that have keys. */
export function readDeviceKeys(database: Database, users: readonly number[]): Promise<DeviceKeysRow[]> {
  return database.all<DeviceKeysRow>(selectOfUsers, users);
}

/** Returns the keys of one device as JSON text. */
export async function readKeysOfDevice(database: Database, device: number): Promise<string | undefined> {
  return (await database.first<{ json: string }>(selectOne, device))?.json;
}

export function putDeviceKeys(device: number, user: number, json: string): Write {
  return write(upsert, device, user, json);
}

export function deleteDeviceKeys(devices: readonly number[]): Write {
  return write(removeDevices, devices);
}
