import type { SQLInputValue } from 'node:sqlite';
import type { Bound } from '../database.ts';

/** Renders a statement for SQLite, which has no array values: a list becomes JSON text. */
export function toSqlite(text: string): string {
  return text
    .replaceAll('IN @list', 'IN (SELECT value FROM json_each(?))')
    .replaceAll('IN @blobs', 'IN (SELECT unhex(value) FROM json_each(?))');
}

/** Returns a value as `node:sqlite` binds it. */
export function bindSqlite(value: Bound): SQLInputValue {
  if (!Array.isArray(value)) return value as SQLInputValue;
  const texts = value.map((item) => (item instanceof Uint8Array ? Buffer.from(item).toString('hex') : item));
  return JSON.stringify(texts);
}
