import type { SQLInputValue } from 'node:sqlite';
import type { Bound } from '../database.ts';

/** SQLite has no array values: a list travels as JSON text. */
export function toSqlite(text: string): string {
  return text
    .replaceAll('IN @list', 'IN (SELECT value FROM json_each(?))')
    .replaceAll('IN @blobs', 'IN (SELECT unhex(value) FROM json_each(?))');
}

/** A value as `node:sqlite` binds it. */
export function bindSqlite(value: Bound): SQLInputValue {
  if (!Array.isArray(value)) return value as SQLInputValue;
  const texts = value.map((item) => (item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item));
  return JSON.stringify(texts);
}
