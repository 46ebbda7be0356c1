import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql(
  `SELECT d.room, n.text AS type, d.content, d.position
   FROM account_data d JOIN names n ON n.num = d.type WHERE d.user_num = ?`,
);
const upsert = sql(
  `INSERT INTO account_data (user_num, room, type, content, position) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (user_num, room, type) DO UPDATE SET content = excluded.content, position = excluded.position`,
);
const removeAll = sql('DELETE FROM account_data WHERE user_num = ?');

/** The content of an entry that its user has deleted. It remains, so that clients get to know of the deletion (MSC3391). */
export const DELETED = '{}';

/** One entry of account data. `room` is 0 for global account data; `content` is JSON text, or {@link DELETED}. */
export interface AccountDataRow {
  readonly room: number;
  readonly type: string;
  readonly content: string;
  readonly position: number;
}

/** Returns all account data of a user. */
export function readAccountData(database: Database, user: number): Promise<AccountDataRow[]> {
  return database.all<AccountDataRow>(select, user);
}

export function putAccountData(user: number, type: number, row: AccountDataRow): Write {
  return write(upsert, user, row.room, type, row.content, row.position);
}

export function deleteAccountData(user: number): Write {
  return write(removeAll, user);
}
