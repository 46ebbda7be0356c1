import { type Database, sql, type Write, write } from '../engine/database.ts';

const readAll = sql('SELECT device, room, position FROM peeks');
const insert = sql('INSERT INTO peeks (device, room, position) VALUES (?, ?, ?)');
const remove = sql('DELETE FROM peeks WHERE device = ? AND room = ?');
const removeDevices = sql('DELETE FROM peeks WHERE device IN @list');

/** A room into which a device peeks since a position of the stream. */
export interface PeekRow {
  readonly device: number;
  readonly room: number;
  readonly position: number;
}

/** Returns all peeks, because few devices peek into few rooms. */
export function readPeeks(database: Database): Promise<PeekRow[]> {
  return database.all<PeekRow>(readAll);
}

export function insertPeek({ device, room, position }: PeekRow): Write {
  return write(insert, device, room, position);
}

export function deletePeek(device: number, room: number): Write {
  return write(remove, device, room);
}

export function deletePeeksOf(devices: readonly number[]): Write {
  return write(removeDevices, devices);
}
