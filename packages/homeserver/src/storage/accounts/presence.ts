import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql('SELECT state, status_msg, active_ts FROM presence WHERE user_num = ?');
const upsert = sql(
  `INSERT INTO presence (user_num, state, status_msg, active_ts) VALUES (?, ?, ?, ?)
   ON CONFLICT (user_num) DO UPDATE
   SET state = excluded.state, status_msg = excluded.status_msg, active_ts = excluded.active_ts`,
);
const removeOld = sql('DELETE FROM presence WHERE status_msg IS NULL AND active_ts < ?');
const remove = sql('DELETE FROM presence WHERE user_num = ?');

export interface PresenceRow {
  readonly state: number;
  readonly status_msg: string | null;
  readonly active_ts: number;
}

export function readPresence(database: Database, user: number): Promise<PresenceRow | undefined> {
  return database.first<PresenceRow>(select, user);
}

export function putPresence(user: number, { state, status_msg, active_ts }: PresenceRow): Write {
  return write(upsert, user, state, status_msg, active_ts);
}

/** Deletes the presence of users without a status message who were last active before `ts`. */
export function deleteOldPresence(ts: number): Write {
  return write(removeOld, ts);
}

export function deletePresence(user: number): Write {
  return write(remove, user);
}
