import { type Database, sql, sqlRows, type Write, write, writeRows } from '../engine/database.ts';

const insert = sqlRows('INSERT INTO outgoing_edus (num, server, json, ts) VALUES (?, ?, ?, ?)', [
  'integer',
  'text',
  'text',
  'integer',
]);
const select = sql('SELECT num, json, ts FROM outgoing_edus WHERE server = ? ORDER BY num LIMIT ?');
const selectServers = sql('SELECT DISTINCT server FROM outgoing_edus');
const removeThrough = sql('DELETE FROM outgoing_edus WHERE server = ? AND num <= ?');
const removeOfServer = sql('DELETE FROM outgoing_edus WHERE server = ?');
const removeOld = sql('DELETE FROM outgoing_edus WHERE ts < ?');

/** An EDU that waits for a server. `json` is the EDU as a JSON text. */
export interface OutgoingEdu {
  readonly num: number;
  readonly json: string;
  readonly ts: number;
}

/** Returns the write that queues EDUs by column: their numbers, the servers, and the EDUs as JSON texts. */
export function insertOutgoingEdus(
  nums: readonly number[],
  servers: readonly string[],
  jsons: readonly string[],
  ts: number,
): Write {
  return writeRows(
    insert,
    nums,
    servers,
    jsons,
    nums.map(() => ts),
  );
}

/** Returns the EDUs that wait for a server, oldest first. */
export function readOutgoingEdus(database: Database, server: string, limit: number): Promise<OutgoingEdu[]> {
  return database.all<OutgoingEdu>(select, server, limit);
}

/** Returns the servers for which EDUs wait. */
export async function readServersWithEdus(database: Database): Promise<string[]> {
  const rows = await database.all<{ server: string }>(selectServers);
  return rows.map(({ server }) => server);
}

/** Deletes the EDUs for a server up to a number. */
export function deleteOutgoingEdus(server: string, through: number): Write {
  return write(removeThrough, server, through);
}

/** Deletes all EDUs for a server. */
export function deleteAllOutgoingEdus(server: string): Write {
  return write(removeOfServer, server);
}

/** Deletes the EDUs that were queued before a time. */
export function deleteOldOutgoingEdus(beforeTs: number): Write {
  return write(removeOld, beforeTs);
}
