import { type Database, sql, type Write, write } from '../engine/database.ts';

const read = sql('SELECT id, ts, state FROM sliding_states WHERE device = ? AND connection = ? ORDER BY ts, id');
const insert = sql('INSERT INTO sliding_states (device, connection, id, ts, state) VALUES (?, ?, ?, ?, ?)');
const removeOthers = sql('DELETE FROM sliding_states WHERE device = ? AND connection = ? AND id <> ?');
const touch = sql('UPDATE sliding_states SET ts = ? WHERE device = ? AND connection = ?');
const trim = sql(
  `DELETE FROM sliding_states WHERE device = ? AND connection NOT IN (
     SELECT connection FROM sliding_states WHERE device = ? GROUP BY connection ORDER BY max(ts) DESC, connection LIMIT ?
   )`,
);
const removeDevices = sql('DELETE FROM sliding_states WHERE device IN @list');
const removeOlder = sql('DELETE FROM sliding_states WHERE ts < ?');

/** A state of a sliding sync connection. */
export interface SlidingStateRow {
  readonly id: string;
  /** The time of the last use, in milliseconds. */
  readonly ts: number;
  /** JSON text, which `sync/sliding/connection.ts` encodes and decodes. */
  readonly state: string;
}

/** Returns the states of a device's connection, at most two. */
export function readSlidingStates(database: Database, device: number, connection: string): Promise<SlidingStateRow[]> {
  return database.all<SlidingStateRow>(read, device, connection);
}

/**
 * Returns the writes that store a state, delete the earlier states except `kept`, and delete the device's oldest
 * connections beyond `connectionsMax`.
 */
export function putSlidingState(
  device: number,
  connection: string,
  row: SlidingStateRow,
  { kept, connectionsMax }: { readonly kept: string; readonly connectionsMax: number },
): Write[] {
  return [
    write(removeOthers, device, connection, kept),
    write(insert, device, connection, row.id, row.ts, row.state),
    write(trim, device, device, connectionsMax),
  ];
}

/** Records that a connection is in use. */
export function touchSlidingStates(device: number, connection: string, ts: number): Write {
  return write(touch, ts, device, connection);
}

export function deleteSlidingStatesOf(devices: readonly number[]): Write {
  return write(removeDevices, devices);
}

/** Deletes states that were not used since a time in milliseconds. */
export function expireSlidingStates(beforeTs: number): Write {
  return write(removeOlder, beforeTs);
}
