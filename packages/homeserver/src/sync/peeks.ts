import { forbidden, invalidParam, userLimitExceeded } from '@hearth/protocol/errors.ts';
import { isWorldReadable } from '../rooms/access.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { MembershipRow } from '../storage/rooms/membership-store.ts';
import { deletePeek, deletePeeksOf, insertPeek, type PeekRow, readPeeks } from '../storage/sync/peeks.ts';
import type { Departure } from '../users/sessions/sessions.ts';
import type { SyncFilter } from './request.ts';
import { changesIn, newRooms, type RoomWork, type SkeletonDeps, TIMELINE_READ_MAX } from './skeleton.ts';

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

export interface PeekedDeps extends SkeletonDeps {
  readonly heads: Heads;
  readonly peeks: Peeks;
}

/** The rooms of an answer that the device looks into. A user who has joined sees the room among the joined ones. */
export async function peekedRooms(
  deps: PeekedDeps,
  { user, device }: { readonly user: number; readonly device: number },
  {
    since,
    upTo,
    rows,
  }: {
    readonly since: number | undefined;
    readonly upTo: number;
    readonly rows: ReadonlyMap<number, MembershipRow>;
  },
  filter: SyncFilter,
): Promise<RoomWork[]> {
  const fresh: MembershipRow[] = [];
  const known = new Map<number, MembershipRow>();
  for (const [room, position] of deps.peeks.of(device)) {
    const head = await deps.heads.byNum(room);
    const isJoined = rows.get(room)?.membership === 'join';
    if (head === undefined || isJoined || !(await isWorldReadable(head))) {
      // Joining ends it, and so does a room that closes its curtains.
      await deps.peeks.end(device, room);
      continue;
    }
    // As if joined, for those who put timelines together; what may be seen is decided by the room's history.
    const row = { user, room, membership: 'join', event: 0, forgotten: false } as const;
    if (since === undefined || position > since) fresh.push(row);
    else known.set(room, row);
  }
  const works = await newRooms(deps, fresh, upTo, filter);
  if (since === undefined || known.size === 0) return works;
  const { timelines } = await changesIn(deps, user, known, { since, upTo });
  for (const [room, nums] of timelines) {
    const row = known.get(room);
    if (row !== undefined)
      works.push({ row, isNew: false, nums, limited: nums.length >= TIMELINE_READ_MAX, after: since });
  }
  return works;
}
