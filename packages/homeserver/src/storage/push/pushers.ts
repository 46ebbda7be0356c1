import { type Database, sql, type Write, write } from '../engine/database.ts';

const selectOfUser = sql('SELECT * FROM pushers WHERE user_num = ? ORDER BY num');
const selectOfUsers = sql('SELECT * FROM pushers WHERE user_num IN @list ORDER BY num');
const selectOne = sql('SELECT * FROM pushers WHERE num = ?');
const selectUsers = sql('SELECT DISTINCT user_num FROM pushers');
const selectSharing = sql('SELECT num, user_num FROM pushers WHERE app_id = ? AND pushkey = ? AND user_num <> ?');
const selectLast = sql('SELECT max(num) AS last FROM pushers');
const upsert = sql(
  `INSERT INTO pushers (num, user_num, app_id, pushkey, device, kind, app_display_name, device_display_name,
     profile_tag, lang, data, set_ts, position) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
   ON CONFLICT (num) DO UPDATE SET device = excluded.device, kind = excluded.kind,
     app_display_name = excluded.app_display_name, device_display_name = excluded.device_display_name,
     profile_tag = excluded.profile_tag, lang = excluded.lang, data = excluded.data, set_ts = excluded.set_ts`,
);
const remove = sql('DELETE FROM pushers WHERE num IN @list');
const removeOfDevices = sql('DELETE FROM pushers WHERE device IN @list');
const removeQueuedOfDevices = sql(
  'DELETE FROM push_queue WHERE pusher IN (SELECT num FROM pushers WHERE device IN @list)',
);
const removeQueued = sql('DELETE FROM push_queue WHERE pusher IN @list');

/** A pusher of a user. */
export interface PusherRow {
  readonly num: number;
  readonly user_num: number;
  readonly app_id: string;
  readonly pushkey: string;
  /** The device that has set the pusher. The pusher is deleted with it. */
  readonly device: number;
  readonly kind: string;
  readonly app_display_name: string;
  readonly device_display_name: string;
  readonly profile_tag: string | null;
  readonly lang: string;
  /** JSON text. */
  readonly data: string;
  readonly set_ts: number;
  /** The end of the stream when the pusher was created. It gets only later events. */
  readonly position: number;
}

type Owned = Pick<PusherRow, 'num' | 'user_num'>;

export function readPushers(database: Database, user: number): Promise<PusherRow[]> {
  return database.all<PusherRow>(selectOfUser, user);
}

export function readPushersOf(database: Database, users: readonly number[]): Promise<PusherRow[]> {
  return database.all<PusherRow>(selectOfUsers, users);
}

export function readPusher(database: Database, num: number): Promise<PusherRow | undefined> {
  return database.first<PusherRow>(selectOne, num);
}

/** Returns the users who have pushers. */
export async function readUsersWithPushers(database: Database): Promise<number[]> {
  return (await database.all<{ user_num: number }>(selectUsers)).map(({ user_num }) => user_num);
}

/** Returns the pushers of other users for the same app and push key. */
export function readPushersSharing(
  database: Database,
  { user_num, app_id, pushkey }: Pick<PusherRow, 'user_num' | 'app_id' | 'pushkey'>,
): Promise<Owned[]> {
  return database.all<Owned>(selectSharing, app_id, pushkey, user_num);
}

/** Deletes the pushers of devices with their waiting notifications. */
export function deletePushersOfDevices(devices: readonly number[]): Write[] {
  return [write(removeQueuedOfDevices, devices), write(removeOfDevices, devices)];
}

export async function readLastPusherNum(database: Database): Promise<number> {
  return (await database.first<{ last: number | null }>(selectLast))?.last ?? 0;
}

export function putPusher(row: PusherRow): Write {
  const { num, user_num, app_id, pushkey, device, kind, app_display_name, device_display_name } = row;
  const names = [app_id, pushkey, device, kind, app_display_name, device_display_name];
  return write(upsert, num, user_num, ...names, row.profile_tag, row.lang, row.data, row.set_ts, row.position);
}

/** Deletes pushers with their waiting notifications. */
export function deletePushers(nums: readonly number[]): Write[] {
  return [write(remove, nums), write(removeQueued, nums)];
}
