import { type Database, sql, type Write, write } from '../engine/database.ts';

const insert = sql(
  'INSERT INTO reports (id, reporter, ts, room, event, user_num, reason, score) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
);
const count = sql('SELECT count(*) AS count FROM reports WHERE reporter = ? AND ts > ?');
const select = sql('SELECT * FROM reports ORDER BY ts DESC, id LIMIT ?');
const removeOld = sql('DELETE FROM reports WHERE ts < ?');

/** A report by a user about an event, a room or a user. */
export interface ReportRow {
  readonly id: string;
  readonly reporter: number;
  readonly ts: number;
  readonly room: number | null;
  readonly event: number | null;
  readonly user_num: number | null;
  readonly reason: string;
  /** The score from -100 (most offensive) to 0, from older clients. */
  readonly score: number | null;
}

export function insertReport({ id, reporter, ts, room, event, user_num, reason, score }: ReportRow): Write {
  return write(insert, id, reporter, ts, room, event, user_num, reason, score);
}

/** Returns the number of reports by one user since a time. */
export async function countReports(database: Database, reporter: number, since: number): Promise<number> {
  return Number((await database.first<{ count: number }>(count, reporter, since))?.count ?? 0);
}

/** Returns reports, the latest first. */
export function readReports(database: Database, limit: number): Promise<ReportRow[]> {
  return database.all<ReportRow>(select, limit);
}

export function deleteOldReports(ts: number): Write {
  return write(removeOld, ts);
}
