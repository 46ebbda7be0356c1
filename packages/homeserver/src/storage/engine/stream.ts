import { Unavailable } from '../../platform/unavailable.ts';
import { type Database, sql, type Write, write } from './database.ts';

/**
 * A change that is announced to the listeners after the commit. `position` is the change's place in the server's
 * stream; numbers (`room`, `user`, `event`) are interned, see `names.ts`.
 */
export type Change =
  | { readonly kind: 'event'; readonly position: number; readonly room: number; readonly event: number }
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
  | { readonly kind: 'presence'; readonly position: number; readonly user: number }
  | { readonly kind: 'peek'; readonly position: number; readonly user: number; readonly device: number }
  /** How a user follows a thread. */
  | { readonly kind: 'thread-subscription'; readonly position: number; readonly user: number }
  | {
      /** The public keys of a user have changed. */
      readonly kind: 'device-list';
      readonly position: number;
      readonly user: number;
      /** The one user who can see the change; absent if everybody can. */
      readonly onlyFor?: number;
    }
  | {
      /** Messages to devices, by the device's number that of its user. */
      readonly kind: 'to-device';
      readonly position: number;
      readonly devices: ReadonlyMap<number, number>;
    };

export type Listener = (changes: readonly Change[]) => void;

const readReserved = sql('SELECT reserved FROM positions WHERE slot = ?');
const writeReserved = sql(
  'INSERT INTO positions (slot, reserved) VALUES (?, ?) ON CONFLICT (slot) DO UPDATE SET reserved = excluded.reserved',
);

/** Positions are reserved in blocks of this many, so that a start never hands out a number a second time. */
const RESERVED_AHEAD = 10_000;

/**
 * The server's one stream of changes. Every change that a client can see takes the next position, also those that
 * are never stored (typing, presence), so that one number says how far a client has read.
 *
 * Positions are taken when a change is decided and announced when its commit is on disk, in the same order:
 * `current` never passes a change that is not yet announced.
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

  /** Starts after everything that was handed out before, even if the last process was killed. */
  static async open(database: Database): Promise<Stream> {
    const row = await database.first<{ reserved: number }>(readReserved, 0);
    const stream = new Stream(database, row?.reserved ?? 0);
    await stream.#reserve();
    return stream;
  }

  /** The position up to which everything has been announced. */
  get current(): number {
    return this.#announced;
  }

  /**
   * Takes the next position. The `commit` that carries it follows without an `await` between.
   * @throws Unavailable when none is left because the database has not taken writes for long
   */
  next(): number {
    if (this.#taken >= this.#reserved) throw new Unavailable('The database does not accept writes at the moment');
    this.#taken += 1;
    // When reserving fails the next call tries again; the positions reserved before last for a while.
    if (this.#taken + RESERVED_AHEAD / 2 > this.#reserved) this.#reserve().catch(() => undefined);
    return this.#taken;
  }

  /**
   * Commits, then announces the changes; resolves after both. Without writes it keeps its place in the queue.
   * `committed` runs between the two: caches that the listeners read take over the change there.
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
   * Passes over the positions of a transaction that is not stored. As long as the database is unavailable a transaction
   * before it may still turn out to be stored, so that `current` waits for the next commit.
   */
  #failed(error: unknown, upTo: number, changes: readonly Change[], committed?: () => void): void {
    if (!(error instanceof Unavailable)) {
      if (upTo > this.#announced) this.#announced = upTo;
      return;
    }
    void error.landed?.then((isStored) => {
      if (isStored) this.#announce(upTo, changes, committed);
    });
  }

  /** Calls `listener` after every commit, in commit order. It must not throw and must not block. */
  listen(listener: Listener): void {
    this.#listeners.push(listener);
  }

  /** Makes sure on disk that a later start begins after the positions that are about to be handed out. */
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
