import { cacheBytes } from '../../platform/caches/cache-size.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../../platform/lookups/source.ts';
import type { MembershipRow, MembershipStore } from '../../storage/rooms/membership-store.ts';

const USERS_MAX = 20_000;
/** The memory of one membership. */
const ROW_BYTES = 120;

/** The cached rooms of a user, and the number of changes during their loading. */
interface Entry {
  /** The memberships by room. Each change replaces the map, so that readers keep a consistent view. */
  rooms: ReadonlyMap<number, MembershipRow> | undefined;
  changes: number;
  loading: Promise<ReadonlyMap<number, MembershipRow>> | undefined;
}

/** A cache of the memberships of active users, which every sync reads. */
export class UserRooms {
  readonly #memberships: MembershipStore;
  readonly #users = new LruMap<number, Entry>(USERS_MAX, {
    bytesMax: cacheBytes(48),
    bytesOf: ({ rooms }) => 200 + ROW_BYTES * (rooms?.size ?? 0),
  });

  /** All of a user's memberships by room as they are now, those forgotten included. */
  readonly source: Source<number, ReadonlyMap<number, MembershipRow>> = loadedSingly(
    (user) => this.cached(user) ?? NOT_LOADED,
    (user) => this.of(user),
  );

  constructor(memberships: MembershipStore) {
    this.#memberships = memberships;
  }

  /** Returns all current memberships of a user by room, including forgotten rooms. */
  async of(user: number): Promise<ReadonlyMap<number, MembershipRow>> {
    return this.cached(user) ?? this.#load(user);
  }

  /** Returns the result of {@link of}, if it is cached. */
  cached(user: number): ReadonlyMap<number, MembershipRow> | undefined {
    return this.#users.get(user)?.rooms;
  }

  /** Returns a user's membership of one room. */
  async one(user: number, room: number): Promise<MembershipRow | undefined> {
    const rooms = this.#users.get(user)?.rooms ?? (await this.of(user));
    return rooms.get(room);
  }

  /** Updates the cache with a stored change, as {@link MembershipStore.put} stores it. */
  apply(row: MembershipRow): void {
    const entry = this.#users.get(row.user);
    if (entry === undefined) return;
    entry.changes += 1;
    if (entry.rooms === undefined) return;
    const known = entry.rooms.get(row.room);
    const { position } = known?.event === row.event ? known : row;
    entry.rooms = new Map(entry.rooms).set(row.room, { ...row, position });
  }

  #load(user: number): Promise<ReadonlyMap<number, MembershipRow>> {
    const entry = this.#users.get(user) ?? { rooms: undefined, changes: 0, loading: undefined };
    this.#users.set(user, entry);
    entry.loading ??= this.#read(user, entry).finally(() => {
      entry.loading = undefined;
    });
    return entry.loading;
  }

  /**
   * Loads the memberships, and repeats the query after a concurrent change, because the rows may be from before the
   * change.
   */
  async #read(user: number, entry: Entry): Promise<ReadonlyMap<number, MembershipRow>> {
    for (;;) {
      const before = entry.changes;
      const rows = await this.#memberships.ofUser(user);
      if (entry.changes !== before) continue;
      entry.rooms = new Map(rows.map((row) => [row.room, row]));
      this.#users.set(user, entry);
      return entry.rooms;
    }
  }
}
