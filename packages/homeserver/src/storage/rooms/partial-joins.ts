import { type Database, sql, type Write, write } from '../engine/database.ts';

const read = sql('SELECT room, event, servers, ts FROM partial_joins ORDER BY room, event');
const insert = sql('INSERT INTO partial_joins (room, event, servers, ts) VALUES (?, ?, ?, ?)');
const remove = sql('DELETE FROM partial_joins WHERE room = ?');
const complete = sql(
  `INSERT INTO completed_states (room, position) VALUES (?, ?)
   ON CONFLICT (room) DO UPDATE SET position = excluded.position`,
);
const readCompleted = sql('SELECT room, position FROM completed_states WHERE position > ?');
const readLastCompleted = sql('SELECT max(position) AS position FROM completed_states');

/** A join by which this server came into a room without getting its whole state. */
export interface PartialJoin {
  readonly room: number;
  /** The number of the join. */
  readonly event: number;
  /** The other servers in the room, as the server that helped with the join has named them, that server first. */
  readonly servers: readonly string[];
  /** The time of the join, in milliseconds. */
  readonly ts: number;
}

interface Row {
  room: number;
  event: number;
  servers: string;
  ts: number;
}

export async function readPartialJoins(database: Database): Promise<PartialJoin[]> {
  return (await database.all<Row>(read)).map(({ servers, ...row }) => ({
    ...row,
    servers: JSON.parse(servers) as string[],
  }));
}

export function insertPartialJoin({ room, event, servers, ts }: PartialJoin): Write {
  return write(insert, room, event, JSON.stringify(servers), ts);
}

/** Returns the write that deletes all partial joins of a room. */
export function deletePartialJoins(room: number): Write {
  return write(remove, room);
}

/** Returns the write that records the position at which the state of a room became whole. */
export function putCompletedState(room: number, position: number): Write {
  return write(complete, room, position);
}

/** Returns the rooms whose states became whole after a position, with the positions. */
export async function readCompletedStates(database: Database, after: number): Promise<ReadonlyMap<number, number>> {
  const rows = await database.all<{ room: number; position: number }>(readCompleted, after);
  return new Map(rows.map(({ room, position }) => [room, position]));
}

/** Returns the position at which the state of a room last became whole; 0 if that never happened. */
export async function readLastCompletedState(database: Database): Promise<number> {
  return (await database.first<{ position: number | null }>(readLastCompleted))?.position ?? 0;
}
