import type { KeyDirectory } from '../../encryption/key-directory.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import { loadedSingly, NOT_LOADED, queried, type Source } from '../../platform/lookups/source.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { PartialStates } from '../../rooms/partial-state/partial-states.ts';
import { readDeviceListChanges } from '../../storage/encryption/device-lists.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { MembershipStore } from '../../storage/rooms/membership-store.ts';
import type { MemberMoves } from './member-moves.ts';
import type { Rows, SyncRange } from './stream-reader.ts';

interface Parts {
  readonly database: Database;
  readonly moves: MemberMoves;
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly memberships: MembershipStore;
  readonly keyDirectory: KeyDirectory;
  readonly partialStates: PartialStates;
}

/** Users whose public keys a client has to fetch again, and users whose keys it no longer has to track. */
export interface DeviceListNews {
  readonly changed: ReadonlySet<number>;
  readonly left: ReadonlySet<number>;
}

/** A range that begins at a client's token. */
type LaterRange = SyncRange & { readonly since: number };

/** A user, and rooms that the user may have joined. */
interface UserAndRooms {
  readonly user: number;
  readonly rooms: readonly number[];
}

export const NO_DEVICE_LIST_NEWS: DeviceListNews = { changed: new Set(), left: new Set() };
const ENCRYPTION = { type: 'm.room.encryption', stateKey: '' };
const NOBODY: ReadonlySet<number> = new Set();

/** Finds changes of device lists (client-server API, "Tracking the device list for a user"). */
export class DeviceLists {
  readonly #parts: Parts;
  /** Whether a user has joined at least one of the rooms. All keys of one load have the same rooms. */
  readonly #sharing: Source<UserAndRooms, boolean>;
  /** The users whose device lists have changed in a range. */
  readonly #listed: Source<LaterRange, readonly number[]>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#sharing = queried(
      ({ user }) => user,
      async (keys) => {
        const users = keys.map(({ user }) => user);
        const found = new Set(await parts.memberships.joinedAny(users, keys[0]?.rooms ?? []));
        return ({ user }) => found.has(user);
      },
    );
    this.#listed = loadedSingly(
      () => NOT_LOADED,
      ({ since, upTo }) => readDeviceListChanges(parts.database, since, upTo),
      ({ since, upTo }) => `${since}/${upTo}`,
    );
  }

  /**
   * Returns the changes of device lists in a range: users with a common room who have changed their keys or have begun
   * to share a room, and users who no longer share one.
   */
  news(lookups: Lookups, user: number, range: SyncRange): DeviceListNews {
    const { since, changes, rows } = range;
    if (since === undefined) return NO_DEVICE_LIST_NEWS;
    const later = { ...range, since };
    if (changes === undefined) return this.#newsAfterAbsence(lookups, user, later);
    let changed: Set<number> | undefined;
    let rooms: Set<number> | undefined;
    for (const change of changes) {
      if (change.kind === 'event') {
        if (rows.has(change.room) && change.moved !== undefined) rooms = (rooms ?? new Set<number>()).add(change.room);
      } else if (change.kind === 'whole-state') rooms = (rooms ?? new Set<number>()).add(change.room);
      else if (change.kind === 'device-list' && (change.onlyFor ?? user) === user)
        changed = (changed ?? new Set<number>()).add(change.user);
    }
    if (changed === undefined && rooms === undefined) return NO_DEVICE_LIST_NEWS;
    return this.#combined(lookups, user, later, { changed: changed ?? NOBODY, rooms: rooms ?? NOBODY });
  }

  #newsAfterAbsence(lookups: Lookups, user: number, range: LaterRange): DeviceListNews {
    const { since, upTo, rows } = range;
    const changed = new Set(lookups.get(this.#listed, range));
    for (const { user_num, position } of lookups.get(this.#parts.keyDirectory.signaturesSource, user).values()) {
      if (position > since && position <= upTo) changed.add(user_num);
    }
    const here = [...rows.values()].filter((row) => row.membership === 'join' || row.position > since);
    return this.#combined(lookups, user, range, { changed, rooms: new Set(here.map(({ room }) => room)) });
  }

  /**
   * Combines the changes of keys and of memberships.
   * @param found users whose keys have changed, and the rooms whose members may have changed
   */
  #combined(
    lookups: Lookups,
    user: number,
    range: LaterRange,
    found: { readonly changed: ReadonlySet<number>; readonly rooms: ReadonlySet<number> },
  ): DeviceListNews {
    const { come, gone } = this.#movements(lookups, user, range, found.rooms);
    const asked = new Set([...found.changed, ...come, ...gone]);
    asked.delete(user);
    const joined = [...range.rows.values()].filter(({ membership }) => membership === 'join').map(({ room }) => room);
    const others = [...asked];
    const sharing = lookups.each(others, (other) => this.#sharesRoom(lookups, other, range.rows, joined));
    const known = new Set(others.filter((_, i) => sharing[i]));
    const changed = new Set([...found.changed, ...come].filter((other) => other === user || known.has(other)));
    const left = new Set([...gone].filter((other) => !known.has(other)));
    return { changed, left };
  }

  /**
   * Returns the users who have joined or left a room of the user, and the members of rooms that the user has joined or
   * left.
   */
  #movements(
    lookups: Lookups,
    user: number,
    range: LaterRange,
    rooms: ReadonlySet<number>,
  ): { come: ReadonlySet<number>; gone: ReadonlySet<number> } {
    const come = new Set<number>();
    const gone = new Set<number>();
    const completed = this.#parts.partialStates.completedIn(lookups, range);
    lookups.each(rooms, (room) => {
      const moves = this.#parts.moves.in(lookups, room, range);
      const own = moves.get(user);
      const isHere = range.rows.get(room)?.membership === 'join';
      if (own !== undefined || (isHere && completed.has(room) && this.#isEncrypted(lookups, room))) {
        for (const other of lookups.get(this.#parts.heads.source, room)?.joined ?? NOBODY) {
          // Users who join after the user has left do not count.
          if (isHere) come.add(other);
          else if (moves.get(other)?.was !== false) gone.add(other);
        }
      }
      const wasHere = own?.was ?? isHere;
      for (const [other, { was, is, isOutlier }] of moves) {
        if (isHere && is && !was && (!isOutlier || this.#isEncrypted(lookups, room))) come.add(other);
        if (wasHere && was && !is) gone.add(other);
      }
    });
    come.delete(user);
    gone.delete(user);
    return { come, gone };
  }

  #isEncrypted(lookups: Lookups, room: number): boolean {
    const { heads } = this.#parts;
    const head = lookups.get(heads.source, room);
    return head !== undefined && lookups.get(heads.stateSource, { head, ...ENCRYPTION }) !== undefined;
  }

  #sharesRoom(lookups: Lookups, other: number, rows: Rows, joined: readonly number[]): boolean {
    const theirs = this.#parts.userRooms.cached(other);
    if (theirs === undefined) return lookups.get(this.#sharing, { user: other, rooms: joined });
    const [fewer, more] = rows.size < theirs.size ? [rows, theirs] : [theirs, rows];
    for (const { room, membership } of fewer.values()) {
      if (membership === 'join' && more.get(room)?.membership === 'join') return true;
    }
    return false;
  }
}
