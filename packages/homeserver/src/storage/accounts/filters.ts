import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql('SELECT json FROM filters WHERE user_num = ? AND id = ?');
const upsert = sql(
  `INSERT INTO filters (user_num, id, json, ts) VALUES (?, ?, ?, ?)
   ON CONFLICT (user_num, id) DO UPDATE SET ts = excluded.ts`,
);
const trim = sql(
  `DELETE FROM filters WHERE user_num = ? AND id NOT IN
   (SELECT id FROM filters WHERE user_num = ? ORDER BY ts DESC, id LIMIT ?)`,
);

/** Returns the JSON text of a stored filter. */
export async function readFilter(database: Database, user: number, id: string): Promise<string | undefined> {
  return (await database.first<{ json: string }>(select, user, id))?.json;
}

/** Returns the writes that store a filter and delete the oldest filters of the user beyond `keep`. */
export function storeFilter(user: number, id: string, json: string, ts: number, keep: number): Write[] {
  return [write(upsert, user, id, json, ts), write(trim, user, user, keep)];
}
