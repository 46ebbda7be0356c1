import { type Database, sql, type Write, write } from './database.ts';

const select = sql('SELECT position FROM followers WHERE name = ?');
const upsert = sql(
  'INSERT INTO followers (name, position) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position',
);

/** Returns the position up to which a follower has processed the stream; `undefined` if it has never begun. */
export async function readFollowed(database: Database, name: string): Promise<number | undefined> {
  return (await database.first<{ position: number }>(select, name))?.position;
}

export function setFollowed(name: string, position: number): Write {
  return write(upsert, name, position);
}
