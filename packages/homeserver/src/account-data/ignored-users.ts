import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { AccountDataRow } from '../storage/accounts/account-data.ts';
import type { Names } from '../storage/engine/names.ts';
import type { AccountData } from './account-data.ts';
import { IGNORED_USER_LIST, ignoredIds } from './ignored-list.ts';
import { GLOBAL, type UserData } from './user-data.ts';

const NOBODY: ReadonlySet<number> = new Set();
const CACHED_MAX = 5_000;

/** The users whom each user ignores (client-server API, "Ignoring Users"), read from `m.ignored_user_list`. */
export class IgnoredUsers {
  readonly #accountData: AccountData;
  readonly #names: Names;
  readonly #parsed = new LruMap<number, { readonly row: AccountDataRow; readonly users: ReadonlySet<number> }>(
    CACHED_MAX,
    { bytesMax: cacheBytes(8), bytesOf: ({ row }) => 100 + textBytes(row.content) },
  );

  constructor(accountData: AccountData, names: Names) {
    this.#accountData = accountData;
    this.#names = names;
  }

  /** Returns the users whom this one ignores, as a promise only if data have to be loaded. */
  of(user: number): ReadonlySet<number> | Promise<ReadonlySet<number>> {
    const data = this.#accountData.of(user);
    return data instanceof Promise ? data.then((loaded) => this.#read(user, loaded)) : this.#read(user, data);
  }

  #read(user: number, data: UserData): ReadonlySet<number> | Promise<ReadonlySet<number>> {
    const row = data.get(GLOBAL, IGNORED_USER_LIST);
    if (row === undefined) return NOBODY;
    const parsed = this.#parsed.get(user);
    return parsed?.row === row ? parsed.users : this.#parse(user, row);
  }

  async #parse(user: number, row: AccountDataRow): Promise<ReadonlySet<number>> {
    const users = new Set((await this.#names.findAll(ignoredIds(row.content))).values());
    users.delete(user);
    this.#parsed.set(user, { row, users });
    return users;
  }
}
