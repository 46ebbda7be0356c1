import { type Database, sql, type Write, write } from '../engine/database.ts';

const insertForwarded = sql(
  `INSERT INTO forwarded_events (num, event, ts) VALUES (?, ?, ?)
   ON CONFLICT (event) DO UPDATE SET num = excluded.num, ts = excluded.ts`,
);
const readMark = sql('SELECT num FROM forwarded_events WHERE event = ?');
const removeForwarded = sql('DELETE FROM forwarded_events WHERE ts < ?');
// Users of this server have accounts, so that `accounts` tells their events from those of other servers.
const readInStream = sql(
  `SELECT e.num AS position, e.num FROM events e
   WHERE e.num > ? AND e.num <= ? AND e.seq > 0 AND EXISTS (SELECT 1 FROM accounts a WHERE a.user_num = e.sender)
   ORDER BY e.num LIMIT ?`,
);
const readOfPeekedRooms = sql(
  `SELECT e.num AS position, e.num FROM events e
   WHERE e.num > ? AND e.num <= ? AND e.seq > 0 AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.user_num = e.sender)
   AND EXISTS (SELECT 1 FROM peeking_servers p WHERE p.room = e.room)
   ORDER BY e.num LIMIT ?`,
);
const readForwarded = sql(
  'SELECT num AS position, event AS num FROM forwarded_events WHERE num > ? AND num <= ? ORDER BY num LIMIT ?',
);
// A room in which nobody of this server has sent anything among the latest 10,000 events counts as one without news.
const readNewest = sql(
  `SELECT found.num AS position, found.num FROM (
     SELECT (
       SELECT e.num FROM events e
       WHERE e.room = r.num AND e.seq > 0 AND e.seq > r.seq - 10000 AND e.num > ? AND e.num <= ?
       AND EXISTS (SELECT 1 FROM accounts a WHERE a.user_num = e.sender)
       ORDER BY e.seq DESC LIMIT 1) AS num
     FROM rooms r WHERE r.num IN @list AND r.last_event > ?) found
   WHERE found.num IS NOT NULL`,
);
const readNewestForwarded = sql(
  `SELECT max(f.num) AS position, max(f.event) AS num FROM forwarded_events f JOIN events e ON e.num = f.event
   WHERE f.num > ? AND f.num <= ? AND e.room IN @list GROUP BY e.room`,
);
const readNewestPeeked = sql(
  `SELECT found.num AS position, found.num FROM (
     SELECT (
       SELECT e.num FROM events e
       WHERE e.room = r.num AND e.seq > 0 AND e.seq > r.seq - 10000 AND e.num > ? AND e.num <= ?
       ORDER BY e.seq DESC LIMIT 1) AS num
     FROM rooms r
     WHERE r.num IN @list AND r.last_event > ?
     AND EXISTS (SELECT 1 FROM peeking_servers p WHERE p.room = r.num AND p.server = ?)) found
   WHERE found.num IS NOT NULL`,
);

// Member events with the memberships leave and ban, see `MEMBERSHIPS`. No position is before its event, so the condition on it
// only lets the index find the rows.
const readRemoved = sql(
  `SELECT m.event AS position, m.event AS num FROM rooms r
   JOIN memberships m ON m.room = r.num AND m.membership IN (4, 5) AND m.position > ? AND m.event > ? AND m.event <= ?
   JOIN names n ON n.num = m.user_num
   WHERE r.num IN @list AND r.last_event > ? AND n.text LIKE ?
   AND EXISTS (SELECT 1 FROM events e JOIN accounts a ON a.user_num = e.sender WHERE e.num = m.event)`,
);

/** An event that other servers get: one of a user of this server, or one that this server passes on. */
export interface SendableEvent {
  /** The position in the stream at which the event is sent: its own, or that of the decision to pass it on. */
  readonly position: number;
  /** The number of the event. */
  readonly num: number;
}

/** The servers that get an event: those in its room and those that peek into it (MSC2444), or only the latter. */
export type Audience = 'room' | 'peekers';

/** An event that was found in the stream. */
export interface FoundEvent extends SendableEvent {
  readonly audience: Audience;
}

/** Returns whether an event of another server is marked as one to pass on. */
export async function isForwarded(database: Database, event: number): Promise<boolean> {
  return (await database.first(readMark, event)) !== undefined;
}

/** Returns the write that marks an event as one to pass on at a position. */
export function insertForwardedEvent(position: number, event: number, ts: number): Write {
  return write(insertForwarded, position, event, ts);
}

/** Deletes the marks of events that were passed on before a time. */
export function deleteOldForwardedEvents(beforeTs: number): Write {
  return write(removeForwarded, beforeTs);
}

/** Returns the first sendable events with `after < position <= upTo`, in the order of their positions. */
export async function readSendableEvents(
  database: Database,
  { after, upTo }: { readonly after: number; readonly upTo: number },
  limit: number,
): Promise<FoundEvent[]> {
  const read = (statement: typeof readInStream) => database.all<SendableEvent>(statement, after, upTo, limit);
  const forRoom = [...(await read(readInStream)), ...(await read(readForwarded))];
  const forPeekers = await read(readOfPeekedRooms);
  return [...withAudience(forRoom, 'room'), ...withAudience(forPeekers, 'peekers')]
    .toSorted(byPosition)
    .slice(0, limit);
}

/** Returns the newest sendable event with `after < position <= upTo` of each room, for a server. */
export async function readNewestSendable(
  database: Database,
  { after, upTo }: { readonly after: number; readonly upTo: number },
  rooms: readonly number[],
  server: string,
): Promise<FoundEvent[]> {
  const own = await database.all<SendableEvent>(readNewest, after, upTo, rooms, after);
  const forwarded = await database.all<SendableEvent>(readNewestForwarded, after, upTo, rooms);
  const peeked = await database.all<SendableEvent>(readNewestPeeked, after, upTo, rooms, after, server);
  return [...withAudience([...own, ...forwarded], 'room'), ...withAudience(peeked, 'peekers')];
}

function withAudience(events: readonly SendableEvent[], audience: Audience): FoundEvent[] {
  return events.map(({ position, num }) => ({ position, num, audience }));
}

/** Returns the events with which users of this server have removed users of a server from rooms. */
export async function readRemovals(
  database: Database,
  { after, upTo }: { readonly after: number; readonly upTo: number },
  rooms: readonly number[],
  server: string,
): Promise<FoundEvent[]> {
  const removals = await database.all<SendableEvent>(readRemoved, after, after, upTo, rooms, after, `%:${server}`);
  return withAudience(removals, 'room');
}

function byPosition(a: SendableEvent, b: SendableEvent): number {
  return a.position - b.position;
}
