import { forbidden, invalidParam, userLimitExceeded } from '@hearth/protocol/errors.ts';
import { isWorldReadable } from '../../rooms/access.ts';
import type { Head } from '../../rooms/head.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { deletePeek, deletePeeksOf, insertPeek, type PeekRow, readPeeks } from '../../storage/sync/peeks.ts';
import type { DataRemoval } from '../../users/sessions/sessions.ts';

/** The maximum number of rooms that one device may peek into at the same time. */
const PEEKS_MAX = 100;
const NONE: ReadonlyMap<number, number> = new Map();

/** The rooms that devices peek into without having joined them (MSC2753). All peeks are both in memory and on disk. */
export class Peeks {
  readonly #database: Database;
  readonly #stream: Stream;
  readonly #byDevice = new Map<number, Map<number, number>>();

  private constructor(database: Database, stream: Stream, rows: readonly PeekRow[]) {
    this.#database = database;
    this.#stream = stream;
    for (const row of rows) this.#add(row);
  }

  static async open({ database, stream }: { database: Database; stream: Stream }): Promise<Peeks> {
    return new Peeks(database, stream, await readPeeks(database));
  }

  /** Returns the rooms that a device peeks into, each with the position at which the peek began. */
  of(device: number): ReadonlyMap<number, number> {
    return this.#byDevice.get(device) ?? NONE;
  }

  /** Returns whether a device peeks into a room. */
  has(room: number): boolean {
    return this.#byDevice.values().some((rooms) => rooms.has(room));
  }

  /** Begins a peek into a room that is world-readable. @throws MatrixError M_FORBIDDEN, M_USER_LIMIT_EXCEEDED */
  async begin({ user, device }: { readonly user: number; readonly device: number }, head: Head): Promise<void> {
    if (!(await isWorldReadable(head))) throw forbidden('Peeking into this room is not allowed');
    const room = head.num;
    const known = this.of(device);
    if (known.has(room)) return;
    if (known.size >= PEEKS_MAX) throw userLimitExceeded('about:blank', false, 'You peek into too many rooms');
    const row = { device, room, position: this.#stream.next() };
    const change = { kind: 'peek', position: row.position, user, device } as const;
    await this.#stream.commit([insertPeek(row)], [change], () => this.#add(row));
  }

  /** Ends a peek. @throws MatrixError M_INVALID_PARAM when the device does not peek into the room */
  async end(device: number, room: number): Promise<void> {
    if (!this.of(device).has(room)) throw invalidParam('You do not peek into this room');
    this.#byDevice.get(device)?.delete(room);
    await this.#database.commit([deletePeek(device, room)]);
  }

  /** Ends the peeks into rooms that are no longer world-readable or have been joined. */
  async endAll(device: number, rooms: readonly number[]): Promise<void> {
    if (rooms.length === 0) return;
    for (const room of rooms) this.#byDevice.get(device)?.delete(room);
    await this.#database.commit(rooms.map((room) => deletePeek(device, room)));
  }

  /** Removes the peeks of removed devices. */
  removal(devices: readonly number[]): DataRemoval {
    const committed = () => {
      for (const device of devices) this.#byDevice.delete(device);
    };
    return { writes: [deletePeeksOf(devices)], changes: [], committed };
  }

  #add({ device, room, position }: PeekRow): void {
    const rooms = this.#byDevice.get(device) ?? new Map<number, number>();
    this.#byDevice.set(device, rooms.set(room, position));
  }
}
