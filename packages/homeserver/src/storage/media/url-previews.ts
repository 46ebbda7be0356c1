import { type Database, sql, type Write, write } from '../engine/database.ts';

const select = sql('SELECT json FROM url_previews WHERE url = ? AND fetched > ?');
const upsert = sql(
  `INSERT INTO url_previews (url, json, fetched) VALUES (?, ?, ?)
   ON CONFLICT (url) DO UPDATE SET json = excluded.json, fetched = excluded.fetched`,
);
const trim = sql(
  `DELETE FROM url_previews WHERE fetched <= ? OR fetched <=
   (SELECT fetched FROM url_previews ORDER BY fetched DESC LIMIT 1 OFFSET ?)`,
);

/** Returns the JSON text of a preview that was created after a time. */
export async function readUrlPreview(database: Database, url: string, afterTs: number): Promise<string | undefined> {
  return (await database.first<{ json: string }>(select, url, afterTs))?.json;
}

export function putUrlPreview(url: string, json: string, ts: number): Write {
  return write(upsert, url, json, ts);
}

/** Deletes previews that are not newer than a time, and the oldest ones beyond `keep`. */
export function trimUrlPreviews(ts: number, keep: number): Write {
  return write(trim, ts, keep);
}
