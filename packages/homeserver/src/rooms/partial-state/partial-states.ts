import { serviceUnavailable } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import { queried, type Source } from '../../platform/lookups/source.ts';
import type { Database, Write } from '../../storage/engine/database.ts';
import {
  deletePartialJoins,
  insertPartialJoin,
  type PartialJoin,
  putCompletedState,
  readCompletedStates,
  readLastCompletedState,
  readPartialJoins,
} from '../../storage/rooms/partial-joins.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';

/** A room whose whole state this server does not have yet. */
export interface PartialRoom {
  readonly num: number;
  /** The joins by which this server came into the room, oldest first. */
  readonly joins: readonly PartialJoin[];
  /** The other servers that were in the room at the joins. Some may have left since. */
  readonly servers: ReadonlySet<string>;
  /** Whether the whole state is not fetched at present, because no user of this server is in the room any more. */
  isPaused: boolean;
  /** The progress of the fetch, for operators. */
  progress: PartialProgress;
}

/** The progress of the fetch of a whole state. */
export interface PartialProgress {
  readonly attempts: number;
  /** The server that is asked; undefined while the next attempt is awaited. */
  readonly server?: string | undefined;
  /** The number of events of the state and its auth chain that are stored, and the number of all of them, once it is known. */
  readonly stored?: number | undefined;
  readonly total?: number | undefined;
  /** The reason why the last attempt has failed. */
  readonly failure?: string | undefined;
}

interface Parts {
  readonly database: Database;
  readonly clock: Clock;
}

/** The time for which requests wait until the state of a room is whole. */
const WAIT_MS = 60_000;
/** The time after which a client may ask again. */
const RETRY_MS = 30_000;
const NONE: ReadonlySet<number> = new Set();

/**
 * The rooms that this server has joined without getting their whole state at once (server-server API, "Joining Rooms",
 * `omit_members`; MSC3902). Their state lacks members until another server has answered it.
 */
export class PartialStates {
  readonly #parts: Parts;
  readonly #rooms = new Map<number, PartialRoom>();
  /** The requests that wait for rooms. */
  readonly #waiting = new Map<number, Set<() => void>>();
  /** The latest position at which the state of a room became whole. */
  #lastCompleted: number;
  readonly #completed: Source<number, ReadonlyMap<number, number>>;

  private constructor(parts: Parts, lastCompleted: number) {
    this.#parts = parts;
    this.#lastCompleted = lastCompleted;
    this.#completed = queried(
      (after) => after,
      async (positions) => {
        const rows = await readCompletedStates(parts.database, Math.min(...positions));
        return (after) => new Map([...rows].filter(([, position]) => position > after));
      },
    );
  }

  static async open(parts: Parts): Promise<PartialStates> {
    const states = new PartialStates(parts, await readLastCompletedState(parts.database));
    for (const join of await readPartialJoins(parts.database)) states.#add(join);
    return states;
  }

  /** Returns a room whose state is partial; undefined for other rooms. */
  of(room: number): PartialRoom | undefined {
    return this.#rooms.get(room);
  }

  /** Returns all rooms whose states are partial. */
  all(): Iterable<PartialRoom> {
    return this.#rooms.values();
  }

  get count(): number {
    return this.#rooms.size;
  }

  /** Makes a room partial. Returns the writes that store it with the join and its servers. */
  begin(join: PartialJoin, roomServers: RoomServers): Write[] {
    this.#add(join);
    return [...join.servers.flatMap((server) => roomServers.insert(server, join.room)), insertPartialJoin(join)];
  }

  #add(join: PartialJoin): void {
    const before = this.#rooms.get(join.room);
    this.#rooms.set(join.room, {
      num: join.room,
      joins: [...(before?.joins ?? []), join],
      servers: new Set([...(before?.servers ?? []), ...join.servers]),
      isPaused: false,
      progress: before?.progress ?? { attempts: 0 },
    });
  }

  /** Takes a join back that was not stored. */
  cancel(room: number, event: number): void {
    const joins = this.#rooms.get(room)?.joins.filter((join) => join.event !== event) ?? [];
    this.#rooms.delete(room);
    for (const join of joins) this.#add(join);
  }

  /** Returns the writes that record that the state of a room is whole from a position on. */
  endWrites(room: number, position: number): Write[] {
    return [deletePartialJoins(room), putCompletedState(room, position)];
  }

  /** Ends the partial state of a room after the commit. Requests that wait go on when {@link proceed} is called. */
  ended(room: number, position: number): void {
    this.#rooms.delete(room);
    this.#lastCompleted = Math.max(this.#lastCompleted, position);
  }

  /** Lets requests proceed with what is known, because no user of this server is left in the room. */
  pause(room: number): void {
    const partial = this.#rooms.get(room);
    if (partial === undefined) return;
    partial.isPaused = true;
    this.proceed(room);
  }

  /**
   * Waits until the state of a room is whole, at most a minute. Returns undefined if there is nothing to wait for.
   * @throws MatrixError M_UNKNOWN with status 503 if nobody has answered the state in time
   */
  whole(room: number): Promise<void> | undefined {
    const partial = this.#rooms.get(room);
    return partial === undefined || partial.isPaused ? undefined : this.#wait(room);
  }

  async #wait(room: number): Promise<void> {
    const isInTime = await new Promise<boolean>((resolve) => {
      const waiting = this.#waiting.get(room) ?? new Set();
      this.#waiting.set(room, waiting);
      const proceed = () => {
        timer.cancel();
        resolve(true);
      };
      const timer = this.#parts.clock.after(WAIT_MS, () => {
        waiting.delete(proceed);
        resolve(false);
      });
      waiting.add(proceed);
    });
    if (!isInTime) throw serviceUnavailable(RETRY_MS, 'The members of the room are not known yet');
  }

  /** Lets requests proceed that wait for the state of a room. */
  proceed(room: number): void {
    const waiting = this.#waiting.get(room);
    this.#waiting.delete(room);
    for (const proceed of waiting ?? []) proceed();
  }

  /** Returns the rooms whose states became whole in a range of the stream. Clients that keep up cause no query. */
  completedIn(
    lookups: Lookups,
    { since, upTo }: { readonly since: number; readonly upTo: number },
  ): ReadonlySet<number> {
    if (since >= this.#lastCompleted) return NONE;
    const found = lookups.get(this.#completed, since);
    return new Set([...found].flatMap(([room, position]) => (position <= upTo ? room : [])));
  }

  /** Returns whether the states of all rooms are whole, and have been since a position. */
  isWholeSince(position: number): boolean {
    return this.#rooms.size === 0 && this.#lastCompleted <= position;
  }
}
