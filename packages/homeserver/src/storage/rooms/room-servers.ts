import { LruMap } from '../../platform/caches/lru.ts';
import { type Database, sql, type Write, write } from '../engine/database.ts';

const insert = sql('INSERT INTO room_servers (server, room) VALUES (?, ?) ON CONFLICT (server, room) DO NOTHING');
const readOne = sql('SELECT room FROM room_servers WHERE server = ? AND room = ?');
const readOfServer = sql('SELECT room FROM room_servers WHERE server = ?');
const readServers = sql('SELECT DISTINCT server FROM room_servers');

const KNOWN_MAX = 50_000;

/** The rooms in which other servers have or had members. */
export class RoomServers {
  readonly #database: Database;
  /** Rows that are stored. */
  readonly #known = new LruMap<string, true>(KNOWN_MAX);

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns the writes that record that a server has a member in a room. */
  insert(server: string, room: number): Write[] {
    const key = `${room}/${server}`;
    if (this.#known.get(key) === true) return [];
    return [{ ...write(insert, server, room), stored: () => void this.#known.set(key, true) }];
  }

  /** Returns whether a server has or had members in a room. */
  async has(server: string, room: number): Promise<boolean> {
    return (await this.#database.first(readOne, server, room)) !== undefined;
  }

  /** Returns the rooms in which a server has or had members. */
  async roomsOf(server: string): Promise<number[]> {
    return (await this.#database.all<{ room: number }>(readOfServer, server)).map(({ room }) => room);
  }

  /** Returns all servers that have or had members in a room of this server. */
  async all(): Promise<string[]> {
    return (await this.#database.all<{ server: string }>(readServers)).map(({ server }) => server);
  }
}
