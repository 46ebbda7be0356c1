import { LruMap } from '../../platform/caches/lru.ts';
import { NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import { type Database, sql, type Write, write } from '../engine/database.ts';

const put = sql(
  'INSERT INTO invite_states (user_num, room, json) VALUES (?, ?, ?) ON CONFLICT (user_num, room) DO UPDATE SET json = excluded.json',
);
const readOfRooms = sql('SELECT user_num, room, json FROM invite_states WHERE user_num IN @list AND room IN @list');
const remove = sql('DELETE FROM invite_states WHERE user_num = ? AND room = ?');

const CACHED_MAX = 2_000;

/** A user who is invited to a room on other servers, or has knocked there. */
export interface OutsideUser {
  readonly user: number;
  readonly room: number;
}

/** The stripped states that other servers have sent with invites and knocks, as JSON texts of their events, separated by commas. */
export class InviteStates {
  readonly #database: Database;
  readonly #cache = new LruMap<string, string>(CACHED_MAX);

  /** The stripped state for a user; empty if there is none. */
  readonly source: Source<OutsideUser, string> = {
    peek: (key) => this.#cache.get(idOf(key)) ?? NOT_LOADED,
    load: async (keys) => {
      const found = await this.#load(keys);
      return (key) => found.get(idOf(key)) ?? '';
    },
    idOf,
  };

  constructor(database: Database) {
    this.#database = database;
  }

  put(key: OutsideUser, json: string): Write {
    return { ...write(put, key.user, key.room, json), stored: () => void this.#cache.set(idOf(key), json) };
  }

  remove(key: OutsideUser): Write {
    return { ...write(remove, key.user, key.room), stored: () => void this.#cache.delete(idOf(key)) };
  }

  async #load(keys: readonly OutsideUser[]): Promise<ReadonlyMap<string, string>> {
    const users = [...new Set(keys.map(({ user }) => user))];
    const rooms = [...new Set(keys.map(({ room }) => room))];
    const rows = await this.#database.all<{ user_num: number; room: number; json: string }>(readOfRooms, users, rooms);
    const found = new Map(rows.map(({ user_num, room, json }) => [idOf({ user: user_num, room }), json]));
    for (const [id, json] of found) this.#cache.set(id, json);
    return found;
  }
}

function idOf({ user, room }: OutsideUser): string {
  return `${user}/${room}`;
}
