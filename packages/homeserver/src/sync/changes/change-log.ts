import type { Heads } from '../../rooms/heads.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import type { MembershipRow } from '../../storage/rooms/membership-store.ts';
import { Track } from './track.ts';

/**
 * Returns whether a change in a room concerns a user with these memberships: a member, or somebody whose membership has
 * changed with it.
 */
export function isForMember(change: Change, room: number, rows: ReadonlyMap<number, MembershipRow>): boolean {
  const row = rows.get(room);
  return row?.membership === 'join' || row?.position === change.position;
}

/** Returns whether a user has joined at least one of the rooms. Considers only rooms whose heads are cached. */
export function isMemberOfAny(heads: Heads, user: number, rooms: ReadonlySet<number>): boolean {
  for (const room of rooms) if (heads.cached(room)?.joined.has(user) === true) return true;
  return false;
}

type Rows = ReadonlyMap<number, MembershipRow>;

/** The number of changes that are remembered. Clients with an older token query the database. */
const REMEMBERED_MAX = 100_000;
/** The number of devices or users that weigh as much as one change. A change for many of them names each. */
const NAMED_PER_CHANGE = 4;
/** The number of changes up to which a reader scans all of them instead of using the indexes. */
const FEW = 50;

/** The cached memberships by which users who share a room are found. */
export interface CachedMemberships {
  readonly heads: Heads;
  readonly userRooms: UserRooms;
}

/**
 * The latest changes of the server in memory, so that clients that keep up cause no query. Changes are indexed by room
 * and by user. The cost of a read depends on the changes that concern its user, not on all changes of the server.
 */
export class ChangeLog {
  readonly #memberships: CachedMemberships;
  readonly #all = new Track();
  readonly #byRoom = new Map<number, Track>();
  /** Changes for a user alone: account data, messages to devices, peeks, thread subscriptions. */
  readonly #byUser = new Map<number, Track>();
  /** Changes of a user that concern all users who share a room with that user: presence, device lists. */
  readonly #ofUsers = new Track();
  /** The same changes by the user who has changed. */
  readonly #byOwner = new Map<number, Track>();
  /** The position after which all changes are remembered. */
  #from: number;
  #weight = 0;

  constructor(stream: Pick<Stream, 'current' | 'listen'>, memberships: CachedMemberships) {
    this.#from = stream.current;
    this.#memberships = memberships;
    stream.listen((changes) => {
      for (const change of changes) this.#add(change);
    });
  }

  /** Returns all changes after a position, in order; `undefined` if some of them may have been forgotten. */
  since(position: number): readonly Change[] | undefined {
    return position < this.#from ? undefined : this.#all.after(position);
  }

  /**
   * Returns changes after a position, in order. They include all that concern a user; those of presence and device
   * lists belong only to users who share a room with this one. Returns `undefined` if some changes may have been
   * forgotten.
   * @param rows the memberships of the user
   */
  concerning(user: number, rows: Rows, position: number): readonly Change[] | undefined {
    if (position < this.#from) return undefined;
    const count = this.#all.countAfter(position);
    if (count <= FEW || count <= rows.size)
      return this.#all.after(position).filter((change) => this.#isWanted(user, rows, change));
    const found = [...(this.#byUser.get(user)?.after(position) ?? [])];
    for (const room of rows.keys()) found.push(...(this.#byRoom.get(room)?.after(position) ?? []));
    found.push(...this.#ofSharingUsers(user, rows, position));
    return found.sort((a, b) => a.position - b.position);
  }

  /**
   * Returns changes after a position, in order. They include all in the given rooms, all for the user alone, and the
   * presence of all users. Returns `undefined` if some changes may have been forgotten.
   */
  inRooms(user: number, rooms: ReadonlySet<number>, position: number): readonly Change[] | undefined {
    if (position < this.#from) return undefined;
    if (this.#all.countAfter(position) <= FEW) return this.#all.after(position);
    const found = [...this.#ofUsers.after(position), ...(this.#byUser.get(user)?.after(position) ?? [])];
    for (const room of rooms) found.push(...(this.#byRoom.get(room)?.after(position) ?? []));
    return found.sort((a, b) => a.position - b.position);
  }

  /** Returns the changes of users who share a room with this one. Reads whichever are fewer: the changes or these users. */
  #ofSharingUsers(user: number, rows: Rows, position: number): readonly Change[] {
    const count = this.#ofUsers.countAfter(position);
    const users = count <= FEW ? undefined : this.#sharingUsers(user, rows, count);
    if (users === undefined)
      return this.#ofUsers.after(position).filter((change) => this.#isWanted(user, rows, change));
    const found: Change[] = [];
    for (const other of users) found.push(...(this.#byOwner.get(other)?.after(position) ?? []));
    return found;
  }

  /**
   * Returns a user with all users who share a room with them. Returns undefined if these are more than `max`, or if they
   * are not known without a query.
   */
  #sharingUsers(user: number, rows: Rows, max: number): ReadonlySet<number> | undefined {
    const users = new Set([user]);
    for (const { room, membership } of rows.values()) {
      if (membership !== 'join') continue;
      const joined = this.#memberships.heads.cached(room)?.joined;
      if (joined === undefined || joined.size > max) return undefined;
      for (const other of joined) users.add(other);
      if (users.size > max) return undefined;
    }
    return users;
  }

  /** Returns false for the presence and device lists of users who share no room with this one. */
  #isWanted(user: number, rows: Rows, change: Change): boolean {
    if (change.kind === 'device-list' && change.onlyFor !== undefined) return change.onlyFor === user;
    return !isOfUser(change) || this.#sharesRoom(user, rows, change);
  }

  /** Returns whether a user shares a room with another. Returns true if that is not known without a query. */
  #sharesRoom(user: number, rows: Rows, change: Change & { readonly user: number }): boolean {
    const { user: other } = change;
    if (other === user) return true;
    const theirs = this.#memberships.userRooms.cached(other);
    if (theirs === undefined) {
      for (const { room, membership } of rows.values())
        if (membership === 'join' && this.#memberships.heads.cached(room)?.joined.has(other) !== false) return true;
      return false;
    }
    const [fewer, more] = theirs.size < rows.size ? [theirs, rows] : [rows, theirs];
    for (const { room, membership } of fewer.values())
      if (membership === 'join' && more.get(room)?.membership === 'join') return true;
    return false;
  }

  #add(change: Change): void {
    this.#all.add(change);
    for (const [tracks, key] of this.#places(change)) {
      const track = tracks.get(key);
      if (track === undefined) tracks.set(key, first(change));
      else track.add(change);
    }
    if (isOfUser(change)) this.#ofUsers.add(change);
    this.#weight += weightOf(change);
    while (this.#weight > REMEMBERED_MAX) this.#removeFirst();
  }

  #removeFirst(): void {
    const change = this.#all.first;
    if (change === undefined) return;
    this.#all.removeFirst();
    for (const [tracks, key] of this.#places(change)) {
      const track = tracks.get(key);
      track?.removeFirst();
      if (track?.size === 0) tracks.delete(key);
    }
    if (isOfUser(change)) this.#ofUsers.removeFirst();
    this.#weight -= weightOf(change);
    this.#from = change.position;
  }

  /** Returns the indexes that contain a change, each with the key of the change. */
  #places(change: Change): (readonly [Map<number, Track>, number])[] {
    if (change.kind === 'device-list' && change.onlyFor !== undefined) return [[this.#byUser, change.onlyFor]];
    if (isOfUser(change)) return [[this.#byOwner, change.user]];
    if (change.kind === 'to-device')
      return [...new Set(change.devices.values())].map((user) => [this.#byUser, user] as const);
    return isInRoom(change) ? [[this.#byRoom, change.room]] : [[this.#byUser, change.user]];
  }
}

function first(change: Change): Track {
  const track = new Track();
  track.add(change);
  return track;
}

const IN_ROOMS = ['event', 'receipt', 'typing', 'whole-state'] as const;

/** Returns whether a change concerns all members of a room. */
function isInRoom(change: Change): change is Change & { readonly kind: (typeof IN_ROOMS)[number] } {
  return (IN_ROOMS as readonly string[]).includes(change.kind);
}

/** Returns whether a change of a user concerns all users who share a room with that user. */
function isOfUser(change: Change): change is Change & { readonly kind: 'presence' | 'device-list' } {
  return change.kind === 'presence' || (change.kind === 'device-list' && change.onlyFor === undefined);
}

function weightOf(change: Change): number {
  if (change.kind === 'to-device') return 1 + change.devices.size / NAMED_PER_CHANGE;
  return 'moved' in change ? 1 + (change.moved?.length ?? 0) / NAMED_PER_CHANGE : 1;
}
