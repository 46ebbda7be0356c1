import { type Database, sql, type Write, write } from './database.ts';

const select = sql('SELECT position FROM followers WHERE name = ?');
const upsert = sql(
  'INSERT INTO followers (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position',
);

/** How far in the stream a follower has come; `undefined` for one that has never begun. */
export async function readFollowed(database: Database, name: string): Promise<number | undefined> {
  return (await database.first<{ position: number }>(select, name))?.position;
}

export function setFollowed(name: string, position: number): Write {
  return write(upsert, name, position);
}
