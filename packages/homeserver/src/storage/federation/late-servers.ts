import { type Database, sql, sqlRows, type Write, write, writeRows } from '../engine/database.ts';

const select = sql('SELECT server, position, failing_since FROM late_servers');
const upsert = sqlRows(
  `INSERT INTO late_servers (server, position, failing_since) VALUES (?, ?, ?)
   ON CONFLICT (server) DO UPDATE SET position = excluded.position, failing_since = excluded.failing_since`,
  ['text', 'integer', 'integer'],
);
const remove = sql('DELETE FROM late_servers WHERE server IN @list');

/** A server that has not received all events of this server. */
export interface LateServer {
  readonly server: string;
  /** The position in the stream up to which the server has received everything. */
  readonly position: number;
  /** The time since which the server does not accept events, in milliseconds. */
  readonly failingSinceTs: number;
}

interface Row {
  server: string;
  position: number;
  failing_since: number;
}

export async function readLateServers(database: Database): Promise<LateServer[]> {
  const rows = await database.all<Row>(select);
  return rows.map(({ server, position, failing_since }) => ({ server, position, failingSinceTs: failing_since }));
}

/** Returns the write that stores late servers, in place of earlier rows of the same servers. */
export function putLateServers(servers: readonly LateServer[]): Write {
  return writeRows(
    upsert,
    servers.map(({ server }) => server),
    servers.map(({ position }) => position),
    servers.map(({ failingSinceTs }) => failingSinceTs),
  );
}

export function removeLateServers(servers: readonly string[]): Write {
  return write(remove, servers);
}
