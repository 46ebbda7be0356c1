import { type Database, guard, sql, type Write, write } from '../engine/database.ts';

const selectAll = sql('SELECT * FROM devices WHERE user_num = ? ORDER BY num');
const selectOne = sql('SELECT * FROM devices WHERE user_num = ? AND device_id = ?');
const selectOfUsers = sql('SELECT num, user_num, device_id FROM devices WHERE user_num IN @list');
const selectLast = sql("SELECT last FROM sequences WHERE name = 'device'");
const upsertLast = sql(
  "INSERT INTO sequences (name, last) VALUES ('device', ?) ON CONFLICT (name) DO UPDATE SET last = excluded.last",
);
const insert = sql(
  `INSERT INTO devices (num, user_num, device_id, display_name, created)
   VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_num, device_id) DO NOTHING`,
);
const updateName = sql('UPDATE devices SET display_name = ? WHERE num = ?');
const updateSeen = sql('UPDATE devices SET seen_ts = ?, seen_ip = ?, seen_agent = ? WHERE num = ?');
const remove = sql('DELETE FROM devices WHERE num IN @list');

export interface DeviceRow {
  readonly num: number;
  readonly user_num: number;
  readonly device_id: string;
  readonly display_name: string | null;
  readonly created: number;
  readonly seen_ts: number | null;
  readonly seen_ip: string | null;
  readonly seen_agent: string | null;
}

export function readDevices(database: Database, user: number): Promise<DeviceRow[]> {
  return database.all<DeviceRow>(selectAll, user);
}

export function readDevice(database: Database, user: number, deviceId: string): Promise<DeviceRow | undefined> {
  return database.first<DeviceRow>(selectOne, user, deviceId);
}

/** Returns the devices of some users. */
export function readDevicesOfUsers(
  database: Database,
  users: readonly number[],
): Promise<Pick<DeviceRow, 'num' | 'user_num' | 'device_id'>[]> {
  return database.all(selectOfUsers, users);
}

/** Returns the highest number that a device has ever had. */
export async function readLastDeviceNum(database: Database): Promise<number> {
  return (await database.first<{ last: number }>(selectLast))?.last ?? 0;
}

export type NewDevice = Pick<DeviceRow, 'num' | 'user_num' | 'device_id' | 'display_name' | 'created'>;

/**
 * Returns the writes that insert a device. They contain a guard: the transaction is rejected if the user has a device
 * with this id.
 */
export function insertDevice(device: NewDevice): Write[] {
  const { num, user_num, device_id, display_name, created } = device;
  return [guard(insert, num, user_num, device_id, display_name, created), write(upsertLast, num)];
}

export function renameDevice(num: number, displayName: string | null): Write {
  return write(updateName, displayName, num);
}

export function setDeviceSeen(num: number, ts: number, ip: string, agent: string | null): Write {
  return write(updateSeen, ts, ip, agent, num);
}

export function deleteDevices(nums: readonly number[]): Write {
  return write(remove, nums);
}
