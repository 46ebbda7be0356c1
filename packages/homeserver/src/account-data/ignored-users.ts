import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { AccountDataRow } from '../storage/accounts/account-data.ts';
import type { Names } from '../storage/engine/names.ts';
import type { AccountData } from './account-data.ts';
import { IGNORED_USER_LIST, ignoredIds } from './ignored-list.ts';
import { GLOBAL } from './user-data.ts';

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

  /** The users whom each user ignores. */
  readonly source: Source<number, ReadonlySet<number>> = loadedSingly(
    (user) => {
      const data = this.#accountData.source.peek(user);
      if (data === NOT_LOADED) return NOT_LOADED;
      const row = data.get(GLOBAL, IGNORED_USER_LIST);
      return row === undefined ? NOBODY : (this.#known(user, row) ?? NOT_LOADED);
    },
    (user) => this.of(user),
  );

  constructor(accountData: AccountData, names: Names) {
    this.#accountData = accountData;
    this.#names = names;
  }

  /** Returns the users whom this one ignores. */
  async of(user: number): Promise<ReadonlySet<number>> {
    const row = (await this.#accountData.of(user)).get(GLOBAL, IGNORED_USER_LIST);
    return row === undefined ? NOBODY : (this.#known(user, row) ?? this.#parse(user, row));
  }

  #known(user: number, row: AccountDataRow): ReadonlySet<number> | undefined {
    const parsed = this.#parsed.get(user);
    return parsed?.row === row ? parsed.users : undefined;
  }

  async #parse(user: number, row: AccountDataRow): Promise<ReadonlySet<number>> {
    const users = new Set((await this.#names.findAll(ignoredIds(row.content))).values());
    users.delete(user);
    this.#parsed.set(user, { row, users });
    return users;
  }
}
