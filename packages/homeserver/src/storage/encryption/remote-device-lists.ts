import { type Database, sql, type Write, write } from '../engine/database.ts';

const selectLists = sql(
  'SELECT user_num, stream_id, stale_ts, master, self_signing FROM remote_device_lists WHERE user_num IN @list',
);
const selectStale = sql('SELECT user_num FROM remote_device_lists WHERE stale_ts IS NOT NULL ORDER BY stale_ts');
const selectAfter = sql('SELECT user_num FROM remote_device_lists WHERE user_num > ? ORDER BY user_num LIMIT ?');
const upsert = sql(
  `INSERT INTO remote_device_lists (user_num, stream_id, stale_ts, master, self_signing) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (user_num) DO UPDATE SET stream_id = excluded.stream_id, stale_ts = excluded.stale_ts,
     master = excluded.master, self_signing = excluded.self_signing`,
);
const markStale = sql(
  `INSERT INTO remote_device_lists (user_num, stream_id, stale_ts) VALUES (?, 0, ?)
   ON CONFLICT (user_num) DO UPDATE SET stale_ts = coalesce(remote_device_lists.stale_ts, excluded.stale_ts)`,
);
const insertStale = sql(
  `INSERT INTO remote_device_lists (user_num, stream_id, stale_ts) VALUES (?, 0, ?)
   ON CONFLICT (user_num) DO NOTHING`,
);
const updateStream = sql('UPDATE remote_device_lists SET stream_id = ? WHERE user_num = ?');
const updateCrossSigning = sql('UPDATE remote_device_lists SET master = ?, self_signing = ? WHERE user_num = ?');
const removeLists = sql('DELETE FROM remote_device_lists WHERE user_num IN @list');
const selectDevices = sql(
  `SELECT user_num, device_id, display_name, json FROM remote_devices WHERE user_num IN @list
   ORDER BY user_num, device_id`,
);
const upsertDevice = sql(
  `INSERT INTO remote_devices (user_num, device_id, display_name, json) VALUES (?, ?, ?, ?)
   ON CONFLICT (user_num, device_id) DO UPDATE SET display_name = excluded.display_name, json = excluded.json`,
);
const removeDevice = sql('DELETE FROM remote_devices WHERE user_num = ? AND device_id = ?');
const removeDevices = sql('DELETE FROM remote_devices WHERE user_num IN @list');

/** The device list of a user of another server, without the devices. Keys are JSON texts. */
export interface RemoteListRow {
  readonly user_num: number;
  /** The stream id of the last update; 0 if the list was never fetched. */
  readonly stream_id: number;
  /** The time since which the list has to be fetched again; null if it is current. */
  readonly stale_ts: number | null;
  readonly master: string | null;
  readonly self_signing: string | null;
}

/** A device of a user of another server. `json` has the keys in the form of {@link DeviceKeysRow}. */
export interface RemoteDeviceRow {
  readonly user_num: number;
  readonly device_id: string;
  readonly display_name: string | null;
  readonly json: string;
}

/** Returns the device lists of those users who have one. */
export function readRemoteLists(database: Database, users: readonly number[]): Promise<RemoteListRow[]> {
  return database.all<RemoteListRow>(selectLists, users);
}

/** Returns the users whose lists have to be fetched again. */
export async function readStaleLists(database: Database): Promise<number[]> {
  return (await database.all<{ user_num: number }>(selectStale)).map(({ user_num }) => user_num);
}

/** Returns users with lists in the order of their numbers, after a number. */
export async function readListOwners(database: Database, after: number, limit: number): Promise<number[]> {
  return (await database.all<{ user_num: number }>(selectAfter, after, limit)).map(({ user_num }) => user_num);
}

export function putRemoteList({ user_num, stream_id, stale_ts, master, self_signing }: RemoteListRow): Write {
  return write(upsert, user_num, stream_id, stale_ts, master, self_signing);
}

/** Returns the write that marks a list as stale, and adds it if it does not exist. */
export function markListStale(user: number, ts: number): Write {
  return write(markStale, user, ts);
}

/** Returns the write that adds a list that has to be fetched, unless there is one. */
export function addList(user: number, ts: number): Write {
  return write(insertStale, user, ts);
}

export function putRemoteStreamId(user: number, streamId: number): Write {
  return write(updateStream, streamId, user);
}

export function putRemoteCrossSigning(user: number, master: string | null, selfSigning: string | null): Write {
  return write(updateCrossSigning, master, selfSigning, user);
}

/** Returns the devices of some users of other servers. */
export function readRemoteDevices(database: Database, users: readonly number[]): Promise<RemoteDeviceRow[]> {
  return database.all<RemoteDeviceRow>(selectDevices, users);
}

export function putRemoteDevice({ user_num, device_id, display_name, json }: RemoteDeviceRow): Write {
  return write(upsertDevice, user_num, device_id, display_name, json);
}

export function deleteRemoteDevice(user: number, deviceId: string): Write {
  return write(removeDevice, user, deviceId);
}

export function deleteRemoteDevices(users: readonly number[]): Write {
  return write(removeDevices, users);
}

/** Deletes the lists of users with their devices. */
export function deleteRemoteLists(users: readonly number[]): Write[] {
  return [write(removeLists, users), write(removeDevices, users)];
}
