import { type Database, sql, type Write, write } from '../../engine/database.ts';

const readAll = sql(
  `SELECT d.id, d.user_num, n.text AS user_id, d.device, d.txn, d.room_id, d.type, d.state_key, d.content,
   d.sticky_ms, d.delay_ms, d.send_ts FROM delayed_events d JOIN names n ON n.num = d.user_num`,
);
const insert = sql(
  `INSERT INTO delayed_events (id, user_num, device, txn, room_id, type, state_key, content, sticky_ms, delay_ms, send_ts)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
);
const move = sql('UPDATE delayed_events SET send_ts = ? WHERE id = ?');
const remove = sql('DELETE FROM delayed_events WHERE id IN @list');

/** A delayed event that was not sent yet. */
export interface DelayedEventRow {
  readonly id: string;
  readonly user_num: number;
  readonly user_id: string;
  readonly device: number;
  /** The transaction id of the request, as {@link TransactionKey}. State events have none. */
  readonly txn: string | null;
  readonly room_id: string;
  readonly type: string;
  readonly state_key: string | null;
  /** JSON text. */
  readonly content: string;
  /** The time for which the event will be sticky, in milliseconds. */
  readonly sticky_ms: number | null;
  /** The delay after the last start or restart of the timer, in milliseconds. */
  readonly delay_ms: number;
  /** The time at which the event is sent, in milliseconds since 1970. */
  readonly send_ts: number;
}

/** Returns all delayed events. The number for each user is limited. */
export function readDelayedEvents(database: Database): Promise<DelayedEventRow[]> {
  return database.all<DelayedEventRow>(readAll);
}

export function insertDelayedEvent(row: DelayedEventRow): Write {
  const { id, user_num, device, txn, room_id, type, state_key, content, sticky_ms, delay_ms, send_ts } = row;
  return write(insert, id, user_num, device, txn, room_id, type, state_key, content, sticky_ms, delay_ms, send_ts);
}

export function moveDelayedEvent(id: string, sendTs: number): Write {
  return write(move, sendTs, id);
}

export function deleteDelayedEvents(ids: readonly string[]): Write {
  return write(remove, ids);
}
