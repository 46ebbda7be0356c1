import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql(
  `SELECT h.device, d.device_id, h.json FROM dehydrated_devices h JOIN devices d ON d.num = h.device
   WHERE h.user_num = ?`,
);
const upsert = sql(
  `INSERT INTO dehydrated_devices (user_num, device, json) VALUES (?, ?, ?)
   ON CONFLICT (user_num) DO UPDATE SET device = excluded.device, json = excluded.json`,
);
const removeDevices = sql('DELETE FROM dehydrated_devices WHERE device IN @list');

/** The dehydrated device of a user. `json` is the uploaded, encrypted data. */
export interface DehydratedDeviceRow {
  readonly device: number;
  readonly device_id: string;
  readonly json: string;
}

export function readDehydratedDevice(database: Database, user: number): Promise<DehydratedDeviceRow | undefined> {
  return database.first<DehydratedDeviceRow>(select, user);
}

export function putDehydratedDevice(user: number, device: number, json: string): Write {
  return write(upsert, user, device, json);
}

/** Deletes the dehydrated devices among these devices. */
export function deleteDehydratedDevices(devices: readonly number[]): Write {
  return write(removeDevices, devices);
}
