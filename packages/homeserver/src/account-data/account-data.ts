import { invalidParam, matrixError, notFound, userLimitExceeded } from '@hearth/protocol/errors.ts';
import { parseRoomId } from '@hearth/protocol/identifiers/room-id.ts';
import { cacheBytes } from '../platform/caches/cache-size.ts';
import { LoadingCache } from '../platform/caches/loading-cache.ts';
import type { Source } from '../platform/lookups/source.ts';
import {
  type AccountDataRow,
  DELETED,
  deleteAccountData,
  putAccountData,
  readAccountData,
} from '../storage/accounts/account-data.ts';
import type { Database } from '../storage/engine/database.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { DataRemoval } from '../users/sessions/sessions.ts';
import { IGNORED_USER_LIST, ignoredIds } from './ignored-list.ts';
import { GLOBAL, UserData } from './user-data.ts';

/**
 * A function that completes a user's stored `m.push_rules`, which may be absent. It is injected, because account data
 * does not depend on push rules.
 */
export type CompletePushRules = (user: number, stored: string | undefined) => Promise<string>;

/** Types that clients cannot set: "It cannot be modified by clients" (client-server API, "Client Config"). */
const SERVER_TYPES: ReadonlySet<string> = new Set(['m.fully_read', 'm.push_rules']);

const CACHED_USERS_MAX = 5_000;
const PIECES_MAX = 20_000;
/** The maximum size of all account data of a user, including push rules, by an estimate of its memory. */
const USER_BYTES_MAX = 32 * 1024 * 1024;
const TYPE_BYTES_MAX = 255;

/** Data that users store on the server for themselves (client-server API, "Client Config"). */
export class AccountData {
  readonly #database: Database;
  readonly #names: Names;
  readonly #stream: Stream;
  readonly #cache: LoadingCache<number, UserData>;

  constructor(database: Database, names: Names, stream: Stream, completePushRules: CompletePushRules) {
    this.#database = database;
    this.#names = names;
    this.#stream = stream;
    this.#cache = new LoadingCache(
      CACHED_USERS_MAX,
      { bytesMax: cacheBytes(64), bytesOf: ({ bytes }) => bytes },
      async (user) => {
        const data = new UserData(await readAccountData(database, user));
        const rules = data.get(GLOBAL, 'm.push_rules');
        const content = await completePushRules(user, rules?.content);
        data.put({ room: GLOBAL, type: 'm.push_rules', content, position: rules?.position ?? 0 });
        return data;
      },
    );
  }

  /** All data of users. */
  get source(): Source<number, UserData> {
    return this.#cache.source;
  }

  /** Returns all data of a user. */
  async of(user: number): Promise<UserData> {
    return this.#cache.get(user);
  }

  /** Returns the data that belong to no room, including `m.push_rules`. */
  async globalAccountData(user: number): Promise<AccountDataRow[]> {
    return [...(await this.of(user)).global()];
  }

  /** Returns the data that belong to these rooms. */
  async roomAccountData(user: number, rooms: Iterable<number>): Promise<AccountDataRow[]> {
    const data = await this.of(user);
    return [...rooms].flatMap((room) => [...data.inRoom(room)]);
  }

  /** Returns the data that changed after a position, in rooms and outside. */
  async accountDataSince(user: number, position: number): Promise<AccountDataRow[]> {
    return (await this.of(user)).since(position);
  }

  /** Returns the number of a room in a request. @throws MatrixError M_INVALID_PARAM */
  async roomOf(roomId: string): Promise<number> {
    if (parseRoomId(roomId) === undefined) throw invalidParam('The room id is not valid');
    return this.#names.reserve(roomId);
  }

  /** Returns the JSON text of one type. @throws MatrixError M_NOT_FOUND */
  async content(user: number, room: number, type: string): Promise<string> {
    const row = (await this.of(user)).get(room, type);
    if (row === undefined) throw notFound('There is no account data of this type');
    return row.content;
  }

  /** Sets data from a client, which may not set all types. `{}` deletes them (MSC3391). @throws MatrixError */
  async setByClient(user: number, room: number, type: string, content: string): Promise<void> {
    checkType(type);
    if (Buffer.byteLength(type) > TYPE_BYTES_MAX) throw invalidParam('The type is too long');
    await this.set(user, room, type, content);
  }

  /** Deletes data for a client (MSC3391). Data that do not exist are not announced. @throws MatrixError */
  async deleteByClient(user: number, room: number, type: string): Promise<void> {
    checkType(type);
    const data = await this.of(user);
    if (data.get(room, type) !== undefined) await this.set(user, room, type, DELETED);
  }

  /** Sets the data of one type. Resolves when they are on disk. @throws MatrixError M_USER_LIMIT_EXCEEDED */
  async set(user: number, room: number, type: string, content: string): Promise<void> {
    const data = await this.of(user);
    const release = data.reserve({ room, type, content }, { pieces: PIECES_MAX, bytes: USER_BYTES_MAX });
    if (release === undefined) throw userLimitExceeded('about:blank', false, 'You have too much account data');
    try {
      await this.#store(user, { room, type, content });
    } finally {
      release();
    }
  }

  /**
   * Prepares the deletion of data outside of rooms, which the returned function adds to a larger transaction. Types
   * without data are skipped.
   */
  async prepareDeletion(user: number, types: readonly string[]): Promise<() => DataRemoval> {
    const data = await this.of(user);
    const present = await this.#names.findAll(types.filter((type) => data.get(GLOBAL, type) !== undefined));
    return () => {
      const rows = Array.from(present, ([type, typeNum]) => {
        return { room: GLOBAL, type, typeNum, content: DELETED, position: this.#stream.next() };
      });
      return {
        writes: rows.map(({ typeNum, ...row }) => putAccountData(user, typeNum, row)),
        changes: rows.map(({ position, type }) => ({ kind: 'account-data', position, user, room: null, type })),
        committed: () => {
          this.#cache.update(user, (cached) => {
            for (const { typeNum: _, ...row } of rows) cached.put(row);
          });
        },
      };
    };
  }

  async #store(user: number, piece: Omit<AccountDataRow, 'position'>): Promise<void> {
    const { room, type, content } = piece;
    const typeNum = await this.#names.reserve(type);
    // Ignored users get numbers, by which their later events are recognised.
    const ignored = type === IGNORED_USER_LIST ? await this.#names.reserveAll(ignoredIds(content)) : undefined;
    const inserts = this.#names.inserts(room, typeNum, ...(ignored?.values() ?? []));
    const position = this.#stream.next();
    const row = { ...piece, position };
    const change = { kind: 'account-data', position, user, room: room === GLOBAL ? null : room, type } as const;
    await this.#stream.commit([...inserts, putAccountData(user, typeNum, row)], [change], () => {
      this.#cache.update(user, (cached) => cached.put(row));
    });
  }

  /** Deletes all data of a deactivated user. */
  async forget(user: number): Promise<void> {
    await this.#database.commit([deleteAccountData(user)]);
    this.#cache.delete(user);
  }
}

/** @throws MatrixError M_BAD_JSON when clients may not set or delete a type */
function checkType(type: string): void {
  if (!SERVER_TYPES.has(type)) return;
  throw matrixError('M_BAD_JSON', `${type} cannot be changed with this endpoint`, { status: 405 });
}
