import { limitExceeded } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Database } from '../../storage/engine/database.ts';
import {
  deleteServedPeek,
  putServedPeek,
  readServedPeeks,
  type ServedPeek,
} from '../../storage/federation/peeking-servers.ts';

/** The members that identify a peek. */
export type PeekKey = Omit<ServedPeek, 'expiresTs'>;

const PEEKS_OF_SERVER_MAX = 1_000;
const PEEKS_OF_ROOM_MAX = 500;
/** The time after which a server may try again. */
const RETRY_MS = 10 * 60_000;
const NONE: readonly ServedPeek[] = [];

/** The servers that get the events of rooms without being in them (MSC2444). All peeks are both in memory and on disk. */
export class PeekingServers {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #byRoom = new Map<number, readonly ServedPeek[]>();
  /** The number of peeks of each server. */
  readonly #counts = new Map<string, number>();

  private constructor(database: Database, clock: Clock, peeks: readonly ServedPeek[]) {
    this.#database = database;
    this.#clock = clock;
    for (const peek of peeks) this.#add(peek);
  }

  static async open(database: Database, clock: Clock): Promise<PeekingServers> {
    return new PeekingServers(database, clock, await readServedPeeks(database));
  }

  /** The number of all peeks. */
  get count(): number {
    return this.#counts.values().reduce((sum, count) => sum + count, 0);
  }

  /** Returns whether servers peek into a room. */
  has(room: number): boolean {
    return this.#byRoom.has(room);
  }

  /** Returns the servers that peek into a room. */
  of(room: number): readonly string[] {
    const now = this.#clock.now();
    const current = (this.#byRoom.get(room) ?? NONE).filter(({ expiresTs }) => expiresTs > now);
    return [...new Set(current.map(({ server }) => server))];
  }

  /** Returns the rooms that a server peeks into. */
  roomsOf(server: string): number[] {
    if (!this.#counts.has(server)) return [];
    return [...this.#byRoom.keys()].filter((room) => this.of(room).includes(server));
  }

  /** Returns a peek that has not ended. */
  find(key: PeekKey): ServedPeek | undefined {
    const now = this.#clock.now();
    return this.#byRoom.get(key.room)?.find((peek) => isSame(peek, key) && peek.expiresTs > now);
  }

  /** Begins a peek, or lets it go on. @throws MatrixError M_LIMIT_EXCEEDED */
  async put(peek: ServedPeek): Promise<void> {
    const before = this.#byRoom.get(peek.room)?.find((one) => isSame(one, peek));
    if (before === undefined) this.#checkLimits(peek);
    this.#remove(peek);
    this.#add(peek);
    try {
      await this.#database.commit([putServedPeek(peek)]);
    } catch (error) {
      this.#remove(peek);
      if (before !== undefined) this.#add(before);
      throw error;
    }
  }

  #checkLimits({ room, server }: ServedPeek): void {
    if ((this.#counts.get(server) ?? 0) >= PEEKS_OF_SERVER_MAX)
      throw limitExceeded(RETRY_MS, 'Your server peeks into too many rooms');
    if ((this.#byRoom.get(room)?.length ?? 0) >= PEEKS_OF_ROOM_MAX)
      throw limitExceeded(RETRY_MS, 'Too many servers peek into the room');
  }

  /** Ends peeks. */
  async end(keys: readonly PeekKey[]): Promise<void> {
    for (const key of keys) this.#remove(key);
    await this.#database.commit(keys.map((key) => deleteServedPeek(key)));
  }

  /**
   * Ends the peeks that were not renewed, and those into rooms that may not be peeked into any more.
   * @param mayPeek returns whether a server may peek into a room
   */
  async expire(mayPeek: (room: number, server: string) => Promise<boolean>): Promise<void> {
    const now = this.#clock.now();
    const ended: ServedPeek[] = [];
    for (const peek of [...this.#byRoom.values()].flat())
      if (peek.expiresTs <= now || !(await mayPeek(peek.room, peek.server))) ended.push(peek);
    // Some may have been renewed meanwhile.
    const still = ended.filter((peek) => this.#byRoom.get(peek.room)?.includes(peek));
    if (still.length > 0) await this.end(still);
  }

  #add(peek: ServedPeek): void {
    this.#byRoom.set(peek.room, [...(this.#byRoom.get(peek.room) ?? NONE), peek]);
    this.#counts.set(peek.server, (this.#counts.get(peek.server) ?? 0) + 1);
  }

  #remove(key: PeekKey): void {
    const before = this.#byRoom.get(key.room) ?? NONE;
    const left = before.filter((peek) => !isSame(peek, key));
    if (left.length === before.length) return;
    if (left.length > 0) this.#byRoom.set(key.room, left);
    else this.#byRoom.delete(key.room);
    const count = (this.#counts.get(key.server) ?? 0) - 1;
    if (count > 0) this.#counts.set(key.server, count);
    else this.#counts.delete(key.server);
  }
}

function isSame(a: PeekKey, b: PeekKey): boolean {
  return a.room === b.room && a.server === b.server && a.peekId === b.peekId;
}
