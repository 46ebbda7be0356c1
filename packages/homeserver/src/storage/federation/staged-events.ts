import { type Database, sql, type Write, write } from '../engine/database.ts';

const insert = sql(
  'INSERT INTO staged_events (num, room_id, event_id, origin, json, ts) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (room_id, event_id, origin) DO NOTHING',
);
const readOfRoom = sql(
  'SELECT num, room_id, event_id, origin, json, ts FROM staged_events WHERE room_id = ? AND NOT (origin IN @list) ORDER BY num LIMIT ?',
);
const readOfServer = sql(
  'SELECT num, room_id, event_id, origin, json, ts FROM staged_events WHERE room_id = ? AND origin = ? AND NOT (num IN @list) ORDER BY num LIMIT ?',
);
const readCounts = sql('SELECT room_id, origin, count(*) AS number FROM staged_events GROUP BY room_id, origin');
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

/** Returns the write that stores a received event. An event of the same server that is waiting already is not stored again. */
export function insertStagedEvent({ num, roomId, eventId, origin, json, ts }: StagedEvent): Write {
  return write(insert, num, roomId, eventId, origin, json, ts);
}

export function removeStagedEvents(nums: readonly number[]): Write {
  return write(remove, nums);
}

/** Returns the first waiting events of a room in the order of their arrival, without those of some servers. */
export async function readStagedEvents(
  database: Database,
  roomId: string,
  range: { readonly except: readonly string[]; readonly limit: number },
): Promise<StagedEvent[]> {
  return (await database.all<Row>(readOfRoom, roomId, range.except, range.limit)).map(stagedEvent);
}

/** Returns the first waiting events that a server has sent for a room, without some of them. */
export async function readStagedEventsOf(
  database: Database,
  roomId: string,
  origin: string,
  range: { readonly except: readonly number[]; readonly limit: number },
): Promise<StagedEvent[]> {
  return (await database.all<Row>(readOfServer, roomId, origin, range.except, range.limit)).map(stagedEvent);
}

function stagedEvent({ num, room_id: roomId, event_id: eventId, origin, json, ts }: Row): StagedEvent {
  return { num, roomId, eventId, origin, json, ts };
}

/** The number of waiting events that a server has sent for a room. */
export interface StagedCount {
  readonly roomId: string;
  readonly origin: string;
  readonly count: number;
}

/** Returns the numbers of waiting events by room and server. */
export async function countStagedEvents(database: Database): Promise<StagedCount[]> {
  const rows = await database.all<{ room_id: string; origin: string; number: number }>(readCounts);
  return rows.map(({ room_id: roomId, origin, number: count }) => ({ roomId, origin, count }));
}
