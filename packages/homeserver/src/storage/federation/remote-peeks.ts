import { type Database, sql, type Write, write } from '../engine/database.ts';

const readAll = sql('SELECT room, server, peek_id, expires_ts FROM remote_peeks');
const upsert = sql(
  `INSERT INTO remote_peeks (room, server, peek_id, expires_ts) VALUES (?, ?, ?, ?)
   ON CONFLICT (room) DO UPDATE
   SET server = excluded.server, peek_id = excluded.peek_id, expires_ts = excluded.expires_ts`,
);
const remove = sql('DELETE FROM remote_peeks WHERE room = ?');

/** A room that this server knows only by peeking into it (MSC2444). */
export interface RemotePeek {
  readonly room: number;
  /** The server that sends the events of the room; null after the end of the peek. */
  readonly server: string | null;
  /** The id that this server has chosen. */
  readonly peekId: string;
  /** The time at which the peek ends if it is not renewed, in milliseconds. */
  readonly expiresTs: number;
}

interface Row {
  room: number;
  server: string | null;
  peek_id: string;
  expires_ts: number;
}

export async function readRemotePeeks(database: Database): Promise<RemotePeek[]> {
  const rows = await database.all<Row>(readAll);
  return rows.map(({ room, server, peek_id, expires_ts }) => ({
    room,
    server,
    peekId: peek_id,
    expiresTs: expires_ts,
  }));
}

export function putRemotePeek({ room, server, peekId, expiresTs }: RemotePeek): Write {
  return write(upsert, room, server, peekId, expiresTs);
}

export function deleteRemotePeek(room: number): Write {
  return write(remove, room);
}
