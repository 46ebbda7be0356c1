import { type Database, sql, type Write, write } from '../engine/database.ts';

const insert = sql(
  'INSERT INTO staged_events (num, room_id, event_id, origin, json, ts) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (room_id, event_id) DO NOTHING',
);
const readOfRoom = sql(
  'SELECT num, room_id, event_id, origin, json, ts FROM staged_events WHERE room_id = ? ORDER BY num LIMIT ?',
);
const readCounts = sql('SELECT room_id, count(*) AS number FROM staged_events GROUP BY room_id');
const remove = sql('DELETE FROM staged_events WHERE num IN @list');

/** An event of another server that was received and is not yet processed. */
export interface StagedEvent {
  /** Numbers follow the order of arrival. */
  readonly num: number;
  readonly roomId: string;
  readonly eventId: string;
  /** The server that sent the transaction. */
  readonly origin: string;
  readonly json: string;
  /** The time of arrival in milliseconds. */
  readonly ts: number;
}

interface Row {
  num: number;
  room_id: string;
  event_id: string;
  origin: string;
  json: string;
  ts: number;
}

/** Returns the write that stores a received event. An event that is waiting already is not stored again. */
export function insertStagedEvent({ num, roomId, eventId, origin, json, ts }: StagedEvent): Write {
  return write(insert, num, roomId, eventId, origin, json, ts);
}

export function removeStagedEvents(nums: readonly number[]): Write {
  return write(remove, nums);
}

/** Returns the first waiting events of a room in the order of their arrival. */
export async function readStagedEvents(database: Database, roomId: string, limit: number): Promise<StagedEvent[]> {
  const rows = await database.all<Row>(readOfRoom, roomId, limit);
  return rows.map(({ num, room_id, event_id, origin, json, ts }) => ({
    num,
    roomId: room_id,
    eventId: event_id,
    origin,
    json,
    ts,
  }));
}

/** Returns the number of waiting events of each room that has some. */
export async function countStagedEvents(database: Database): Promise<ReadonlyMap<string, number>> {
  const rows = await database.all<{ room_id: string; number: number }>(readCounts);
  return new Map(rows.map(({ room_id, number }) => [room_id, number]));
}
