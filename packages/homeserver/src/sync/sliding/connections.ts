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
import type { DataRemoval } from '../../users/sessions/sessions.ts';
import { type ConnectionState, decodeState, encodeState } from './connection-state.ts';

/** The maximum number of connections of a device. A further one replaces the least recently used one. */
const CONNECTIONS_MAX = 10;
/** The maximum number of cached connections. Others are read again when their clients send a request. */
const CACHED_MAX = 2_000;
/** The maximum number of rooms in the state of a connection. The oldest of more rooms are sent again. */
export const ROOMS_MAX = 50_000;
const ID_CHARACTERS = 8;

/** The time after which an unused connection ends, so that its client has to begin anew. */
const KEPT_MS = 30 * DAY_MS;

/** A parsed `pos`: a position in the stream, and the name of the state of the connection at that position. */
export interface Pos {
  readonly position: number;
  readonly state: string;
}

/** One loop of sliding sync requests (MSC4186, "Connections"). */
export interface Connection {
  /** The number of the connection in this process, which caches use as a key. */
  readonly num: number;
  readonly device: number;
  readonly name: string;
  /** The states that the client may have: the last confirmed one, and the one of the latest answer. */
  states: readonly ConnectionState[];
  touchedTs: number;
}

/** Parses a `pos`. @throws MatrixError M_UNKNOWN_POS for a text in another format */
export function parsePos(text: string): Pos {
  const match = /^s(\d{1,15})_(\w{1,32})$/.exec(text);
  if (match === null) throw unknownPos();
  return { position: Number(match[1]), state: match[2] ?? '' };
}

export function posToken({ position, state }: Pos): string {
  return `s${position}_${state}`;
}

/**
 * The connections of all devices. A `pos` stays valid after a restart, because its state is on disk before the client
 * gets it. Most answers do not change the state and cause no write.
 */
export class Connections {
  readonly #parts: { readonly database: Database; readonly clock: Clock; readonly random: Random };
  readonly #open = new LruMap<string, Connection>(CACHED_MAX, { bytesMax: cacheBytes(48), bytesOf: connectionBytes });
  #count = 0;

  constructor(parts: { readonly database: Database; readonly clock: Clock; readonly random: Random }) {
    this.#parts = parts;
  }

  /** Creates a connection. An earlier one of the same name ends with the first answer. */
  begin(device: number, name: string): Connection {
    this.#count += 1;
    return { num: this.#count, device, name, states: [], touchedTs: this.#parts.clock.now() };
  }

  /**
   * Returns the connection of a `pos` and the state of its client.
   * @throws MatrixError M_UNKNOWN_POS when the `pos` is too old or not of this connection
   */
  async resume(device: number, name: string, pos: Pos): Promise<{ connection: Connection; state: ConnectionState }> {
    const connection = this.#open.get(key(device, name)) ?? (await this.#load(device, name));
    const state = connection?.states.find(({ id }) => id === pos.state);
    if (connection === undefined || state === undefined) throw unknownPos();
    await this.#touch(connection);
    return { connection, state };
  }

  /** Stores the state of a client after its next answer, and returns it with its name. */
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

  /** Removes the connections of removed devices from the database. Cached ones can no longer be used. */
  removal(devices: readonly number[]): DataRemoval {
    return { writes: [deleteSlidingStatesOf(devices)], changes: [], committed: () => undefined };
  }

  /** Deletes connections that have not been used for {@link KEPT_MS}. */
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

  /** Updates the time of use of a connection once a day, because many answers do not store a state. */
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
