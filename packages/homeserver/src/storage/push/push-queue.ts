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

/** An event of which a pusher has still to tell. */
export interface QueuedPush {
  readonly event: number;
  /** The actions of the rule that matched, as JSON text. */
  readonly actions: string;
}

export function queuePush(pusher: number, { event, actions }: QueuedPush): Write {
  return write(insert, pusher, event, actions);
}

/** The oldest first. */
export function readPushQueue(database: Database, pusher: number, limit: number): Promise<QueuedPush[]> {
  return database.all<QueuedPush>(selectFirst, pusher, limit);
}

/** All pushers with something to tell. */
export async function readWaitingPushers(database: Database): Promise<number[]> {
  return (await database.all<{ pusher: number }>(selectPushers)).map(({ pusher }) => pusher);
}

/** Notifications that were delivered, or are not worth delivering any more. */
export function deletePushesUpTo(pusher: number, event: number): Write {
  return write(removeUpTo, pusher, event);
}

/** Keeps only the latest of what a pusher has to tell. */
export function deleteExcessPushes(pusher: number, keep: number): Write {
  return write(removeExcess, pusher, pusher, keep);
}
