import { type Database, sql, type Write, write } from '../engine/database.ts';

const insert = sql(
  'INSERT INTO push_queue (pusher, event, actions) VALUES (?, ?, ?) ON CONFLICT (pusher, event) DO NOTHING',
);
const selectFirst = sql('SELECT event, actions FROM push_queue WHERE pusher = ? ORDER BY event LIMIT ?');
const selectPushers = sql('SELECT DISTINCT pusher FROM push_queue');
const removeUpTo = sql('DELETE FROM push_queue WHERE pusher = ? AND event <= ?');
const removeExcess = sql(
  `DELETE FROM push_queue WHERE pusher = ? AND event <=
   (SELECT event FROM push_queue WHERE pusher = ? ORDER BY event DESC LIMIT 1 OFFSET ?)`,
);

/** A notification that waits for delivery. */
export interface QueuedPush {
  readonly event: number;
  /** The actions of the rule that matched, as JSON text. */
  readonly actions: string;
}

export function queuePush(pusher: number, { event, actions }: QueuedPush): Write {
  return write(insert, pusher, event, actions);
}

/** Returns the queue of a pusher, the oldest event first. */
export function readPushQueue(database: Database, pusher: number, limit: number): Promise<QueuedPush[]> {
  return database.all<QueuedPush>(selectFirst, pusher, limit);
}

/** Returns all pushers with waiting notifications. */
export async function readWaitingPushers(database: Database): Promise<number[]> {
  return (await database.all<{ pusher: number }>(selectPushers)).map(({ pusher }) => pusher);
}

/** Deletes the notifications of a pusher up to an event. */
export function deletePushesUpTo(pusher: number, event: number): Write {
  return write(removeUpTo, pusher, event);
}

/** Deletes all but the latest notifications of a pusher. */
export function deleteExcessPushes(pusher: number, keep: number): Write {
  return write(removeExcess, pusher, pusher, keep);
}
