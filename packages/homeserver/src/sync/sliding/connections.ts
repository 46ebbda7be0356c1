import { unknownPos } from '@hearth/protocol/errors.ts';
import { cacheBytes } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import { type Clock, DAY_MS } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import type { Database } from '../../storage/engine/database.ts';
import {
  deleteSlidingStatesOf,
  expireSlidingStates,
  putSlidingState,
  readSlidingStates,
  touchSlidingStates,
} from '../../storage/sync/sliding-states.ts';
import type { Departure } from '../../users/sessions/sessions.ts';
import { type ConnectionState, decodeState, encodeState } from './connection-state.ts';

/** A device that opens more connections loses the one that it used least recently. */
const CONNECTIONS_MAX = 10;
/** In memory; each may know thousands of rooms. The others are read again when their clients come back. */
const CACHED_MAX = 2_000;
/** Rooms that a connection remembers; a client that asks for more is sent the oldest of them anew. */
export const ROOMS_MAX = 50_000;
const ID_CHARACTERS = 8;

/** Clients that come back later begin anew. */
const KEPT_MS = 30 * DAY_MS;

/** A position in `pos`: a place in the stream, and the name of the state that a connection had there. */
export interface Pos {
  readonly position: number;
  readonly state: string;
}

/** One loop of sliding sync requests (MSC4186, "Connections"). */
export interface Connection {
  /** Counts the connections of this process, for caches. */
  readonly num: number;
  readonly device: number;
  readonly name: string;
  /** The state that the client has last confirmed, and the one that it may have got since. */
  states: readonly ConnectionState[];
  touchedTs: number;
}

/** @throws MatrixError M_UNKNOWN_POS for anything that is no `pos` */
export function parsePos(text: string): Pos {
  const match = /^s(\d{1,15})_(\w{1,32})$/.exec(text);
  if (match === null) throw unknownPos();
  return { position: Number(match[1]), state: match[2] ?? '' };
}

export function posToken({ position, state }: Pos): string {
  return `s${position}_${state}`;
}

/**
 * The connections of all devices. A `pos` holds good after a restart, so what it stands for is on disk before it is
 * given out; most answers change nothing of it and cost no write.
 */
export class Connections {
  readonly #parts: { readonly database: Database; readonly clock: Clock; readonly random: Random };
  readonly #open = new LruMap<string, Connection>(CACHED_MAX, { bytesMax: cacheBytes(48), bytesOf: connectionBytes });
  #count = 0;

  constructor(parts: { readonly database: Database; readonly clock: Clock; readonly random: Random }) {
    this.#parts = parts;
  }

  /** A connection that begins; one of the same name before it ends with the first answer. */
  begin(device: number, name: string): Connection {
    this.#count += 1;
    return { num: this.#count, device, name, states: [], touchedTs: this.#parts.clock.now() };
  }

  /**
   * The connection of a `pos`, and what its client has.
   * @throws MatrixError M_UNKNOWN_POS when it is not one of this device's connection, or too old
   */
  async resume(device: number, name: string, pos: Pos): Promise<{ connection: Connection; state: ConnectionState }> {
    const connection = this.#open.get(key(device, name)) ?? (await this.#load(device, name));
    const state = connection?.states.find(({ id }) => id === pos.state);
    if (connection === undefined || state === undefined) throw unknownPos();
    await this.#touch(connection);
    return { connection, state };
  }

  /** Stores what a client has with its next answer; gives it back under its name. */
  async advance(
    connection: Connection,
    from: ConnectionState | undefined,
    next: Omit<ConnectionState, 'id'>,
  ): Promise<ConnectionState> {
    const { database, clock, random } = this.#parts;
    const state = { id: randomText(random, ID_CHARACTERS), ...next };
    const row = { id: state.id, ts: clock.now(), state: encodeState(state) };
    const kept = { kept: from?.id ?? '', connectionsMax: CONNECTIONS_MAX };
    await database.commit(putSlidingState(connection.device, connection.name, row, kept));
    connection.states = from === undefined ? [state] : [from, state];
    connection.touchedTs = row.ts;
    this.#open.set(key(connection.device, connection.name), connection);
    return state;
  }

  /** Removes the connections of removed devices. Nobody can use what stays of them in memory. */
  departure(devices: readonly number[]): Departure {
    return { writes: [deleteSlidingStatesOf(devices)], changes: [], committed: () => undefined };
  }

  /** Ends connections that have not been used for long. */
  async expire(): Promise<void> {
    await this.#parts.database.commit([expireSlidingStates(this.#parts.clock.now() - KEPT_MS)]);
  }

  async #load(device: number, name: string): Promise<Connection | undefined> {
    const rows = await readSlidingStates(this.#parts.database, device, name);
    const known = this.#open.get(key(device, name));
    if (known !== undefined || rows.length === 0) return known;
    const connection = this.begin(device, name);
    connection.states = rows.map(({ id, state }) => decodeState(id, state));
    connection.touchedTs = Math.max(...rows.map(({ ts }) => ts));
    this.#open.set(key(device, name), connection);
    return connection;
  }

  /** A connection whose answers change nothing for long is in use all the same. */
  async #touch(connection: Connection): Promise<void> {
    const now = this.#parts.clock.now();
    if (now - connection.touchedTs < DAY_MS) return;
    connection.touchedTs = now;
    await this.#parts.database.commit([touchSlidingStates(connection.device, connection.name, now)]);
  }
}

function key(device: number, name: string): string {
  return `${device}/${name}`;
}

function connectionBytes({ states }: Connection): number {
  return 500 + states.reduce((sum, { rooms }) => sum + 150 * rooms.size, 0);
}
