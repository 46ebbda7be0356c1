import { type Database, sql, type Write, write } from '../engine/database.ts';

const readAll = sql('SELECT room, server, peek_id, expires_ts FROM peeking_servers');
const upsert = sql(
  `INSERT INTO peeking_servers (room, server, peek_id, expires_ts) VALUES (?, ?, ?, ?)
   ON CONFLICT (room, server, peek_id) DO UPDATE SET expires_ts = excluded.expires_ts`,
);
const remove = sql('DELETE FROM peeking_servers WHERE room = ? AND server = ? AND peek_id = ?');

/** A peek of another server into a room of this one (MSC2444). */
export interface ServedPeek {
  readonly room: number;
  readonly server: string;
  /** The id that the server has chosen. */
  readonly peekId: string;
  /** The time at which the peek ends if it is not renewed, in milliseconds. */
  readonly expiresTs: number;
}

interface Row {
  room: number;
  server: string;
  peek_id: string;
  expires_ts: number;
}

/** Returns all peeks of other servers. */
export async function readServedPeeks(database: Database): Promise<ServedPeek[]> {
  const rows = await database.all<Row>(readAll);
  return rows.map(({ room, server, peek_id, expires_ts }) => ({
    room,
    server,
    peekId: peek_id,
    expiresTs: expires_ts,
  }));
}

export function putServedPeek({ room, server, peekId, expiresTs }: ServedPeek): Write {
  return write(upsert, room, server, peekId, expiresTs);
}

export function deleteServedPeek({ room, server, peekId }: Omit<ServedPeek, 'expiresTs'>): Write {
  return write(remove, room, server, peekId);
}
