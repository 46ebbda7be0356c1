import { Unavailable } from '../../platform/unavailable.ts';
import { type Database, sql, type Write, write } from './database.ts';

/**
 * A change that is announced to the listeners after its commit. `position` is its position in the server's stream.
 * `room` and `user` are numbers of `names.ts`.
 */
export type Change =
  | {
      readonly kind: 'event';
      readonly position: number;
      readonly room: number;
      readonly event: number;
      /** The users whose memberships have changed with the event; absent if there are none. */
      readonly moved?: readonly number[] | undefined;
    }
  | {
      readonly kind: 'receipt';
      readonly position: number;
      readonly room: number;
      readonly user: number;
      readonly private: boolean;
    }
  | { readonly kind: 'typing'; readonly position: number; readonly room: number }
  | {
      readonly kind: 'account-data';
      readonly position: number;
      readonly user: number;
      readonly room: number | null;
      readonly type: string;
    }
  /** The state of a room that was partial is whole. */
  | {
      readonly kind: 'whole-state';
      readonly position: number;
      readonly room: number;
      /** The users whose memberships are other than they were known before. */
      readonly moved: readonly number[];
    }
  | { readonly kind: 'presence'; readonly position: number; readonly user: number }
  | { readonly kind: 'peek'; readonly position: number; readonly user: number; readonly device: number }
  /** A change of a user's subscription to a thread. */
  | { readonly kind: 'thread-subscription'; readonly position: number; readonly user: number }
  | {
      /** A change of a user's public keys. */
      readonly kind: 'device-list';
      readonly position: number;
      readonly user: number;
      /** The one user who can see the change; absent if everybody can. */
      readonly onlyFor?: number;
    }
  | {
      /** To-device messages. The map has the number of the user of each device. */
      readonly kind: 'to-device';
      readonly position: number;
      readonly devices: ReadonlyMap<number, number>;
    };

export type Listener = (changes: readonly Change[]) => void;

const readReserved = sql('SELECT reserved FROM positions WHERE slot = ?');
const writeReserved = sql(
  'INSERT INTO positions (slot, reserved) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET reserved = excluded.reserved',
);

/**
 * The first position of the stream. Smaller numbers are for events from before this server joined a room, which are
 * fetched later and older than all others (`rooms/history-numbers.ts`). The value is half of the largest small integer
 * of V8.
 */
export const FIRST_POSITION = 2 ** 30;
/** The number of positions that are reserved together, so that no position is used twice after a restart. */
const RESERVED_AHEAD = 10_000;

/**
 * The server's stream of changes. Every change that a client can see takes the next position, including changes that
 * are never stored (typing, presence), so that one number is the position of a client. A change takes its position when
 * it is decided, and is announced when its commit is on disk, in the same order. `current` never passes a change that
 * is not announced.
 */
export class Stream {
  #taken: number;
  #announced: number;
  #reserved: number;
  #isReserving = false;
  readonly #database: Database;
  readonly #listeners: Listener[] = [];

  private constructor(database: Database, reserved: number) {
    this.#database = database;
    this.#taken = reserved;
    this.#announced = reserved;
    this.#reserved = reserved;
  }

  /** Opens the stream after all positions that were used before, even if the last process was killed. */
  static async open(database: Database): Promise<Stream> {
    const row = await database.first<{ reserved: number }>(readReserved, 0);
    const stream = new Stream(database, Math.max(FIRST_POSITION, row?.reserved ?? 0));
    await stream.#reserve();
    return stream;
  }

  /** The position up to which all changes are announced. */
  get current(): number {
    return this.#announced;
  }

  /**
   * Takes the next position. The caller calls `commit` with it without an `await` in between.
   * @throws Unavailable when no position is left because the database has accepted no writes for a long time
   */
  next(): number {
    if (this.#taken >= this.#reserved) throw new Unavailable('The database does not accept writes at the moment');
    this.#taken += 1;
    // If the reservation fails, the next call tries again. The remaining positions last for a while.
    if (this.#taken + RESERVED_AHEAD / 2 > this.#reserved) this.#reserve().catch(() => undefined);
    return this.#taken;
  }

  /**
   * Commits and then announces the changes. Changes without writes keep their order among the other transactions.
   * `committed` runs between commit and announcement, and updates the caches that listeners read.
   */
  async commit(writes: readonly Write[], changes: readonly Change[], committed?: () => void): Promise<void> {
    const upTo = this.#taken;
    try {
      await this.#database.commit(writes);
    } catch (error) {
      this.#failed(error, upTo, changes, committed);
      throw error;
    }
    this.#announce(upTo, changes, committed);
  }

  #announce(upTo: number, changes: readonly Change[], committed?: () => void): void {
    committed?.();
    if (upTo > this.#announced) this.#announced = upTo;
    if (changes.length > 0) for (const listener of this.#listeners) listener(changes);
  }

  /**
   * Skips the positions of a transaction that is not stored. While the database is unavailable, an earlier transaction
   * may turn out to be stored, so `current` waits for the next commit.
   */
  #failed(error: unknown, upTo: number, changes: readonly Change[], committed?: () => void): void {
    if (!(error instanceof Unavailable)) {
      if (upTo > this.#announced) this.#announced = upTo;
      return;
    }
    void error.outcome?.then((isStored) => {
      if (isStored) this.#announce(upTo, changes, committed);
    });
  }

  /** Calls `listener` after every commit, in the order of commits. The listener must not throw or block. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Reserves further positions on disk, so that a later start begins after them. */
  async #reserve(): Promise<void> {
    if (this.#isReserving) return;
    this.#isReserving = true;
    const upTo = this.#taken + RESERVED_AHEAD;
    try {
      await this.#database.commit([write(writeReserved, 0, upTo)]);
      this.#reserved = upTo;
    } finally {
      this.#isReserving = false;
    }
  }
}
