import { forbidden, invalidParam, userLimitExceeded } from '@hearth/protocol/errors.ts';
import { isWorldReadable } from '../../rooms/access.ts';
import type { Head } from '../../rooms/head.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import { deletePeek, deletePeeksOf, insertPeek, type PeekRow, readPeeks } from '../../storage/sync/peeks.ts';
import type { Departure } from '../../users/sessions/sessions.ts';

/** Rooms that one device may look into at a time. */
const PEEKS_MAX = 100;
const NONE: ReadonlyMap<number, number> = new Map();

/** Which rooms devices look into without having joined them (MSC2753). In memory as a whole, and on disk. */
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

  /** The rooms that a device looks into, each with the position at which that began. */
  of(device: number): ReadonlyMap<number, number> {
    return this.#byDevice.get(device) ?? NONE;
  }

  /**
   * Begins to look into a room whose history anybody may read.
   * @throws MatrixError M_FORBIDDEN, M_USER_LIMIT_EXCEEDED
   */
  async begin({ user, device }: { readonly user: number; readonly device: number }, head: Head): Promise<void> {
    if (!(await isWorldReadable(head))) throw forbidden('This room cannot be looked into from outside');
    const room = head.num;
    const known = this.of(device);
    if (known.has(room)) return;
    if (known.size >= PEEKS_MAX) throw userLimitExceeded('about:blank', false, 'You look into too many rooms');
    const row = { device, room, position: this.#stream.next() };
    const change = { kind: 'peek', position: row.position, user, device } as const;
    await this.#stream.commit([insertPeek(row)], [change], () => this.#add(row));
  }

  /** Looks away. @throws MatrixError M_INVALID_PARAM when the device does not look into the room */
  async end(device: number, room: number): Promise<void> {
    if (!this.of(device).has(room)) throw invalidParam('You do not look into this room');
    this.#byDevice.get(device)?.delete(room);
    await this.#database.commit([deletePeek(device, room)]);
  }

  /** Looks away from rooms that have been closed or joined. */
  async endAll(device: number, rooms: readonly number[]): Promise<void> {
    if (rooms.length === 0) return;
    for (const room of rooms) this.#byDevice.get(device)?.delete(room);
    await this.#database.commit(rooms.map((room) => deletePeek(device, room)));
  }

  /** Removes the peeks of removed devices. */
  departure(devices: readonly number[]): Departure {
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
