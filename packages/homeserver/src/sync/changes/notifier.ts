import type { Clock } from '../../platform/clock.ts';
import type { Cancellation } from '../../platform/concurrency/cancellation.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import { Answering } from './answering.ts';
import { type ChangeLog, isMemberOfAny } from './change-log.ts';

/** The rooms and users for which a waiting request is woken. */
export interface Interest {
  readonly user: number;
  /** The device, if the request also waits for messages to it and for changed device lists. */
  readonly device?: number;
  /**
   * The rooms to which the wait is limited, whether the user has joined them or not. Absent: everything that concerns
   * the user.
   */
  readonly rooms?: ReadonlySet<number>;
  /** With `rooms`: rooms whose members' presence also wakes the request. */
  readonly membersOf?: ReadonlySet<number>;
  /** Rooms besides those that the user has joined. */
  readonly also?: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

interface Waiter {
  readonly interest: Interest;
  readonly wake: () => void;
}

/** The maximum time that a request waits for the answers to its user's other requests. */
const ANSWERS_WAIT_MS = 1_000;

export interface NotifierParts {
  readonly stream: Stream;
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly changeLog: ChangeLog;
  readonly clock: Clock;
}

/** Wakes long polls. A waiting request costs one small record and no query. */
export class Notifier {
  readonly #parts: NotifierParts;
  readonly #byUser = new Map<number, Set<Waiter>>();
  readonly #byRoom = new Map<number, Set<Waiter>>();
  readonly #answering = new Answering();

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      for (const change of changes) this.#notify(change);
      this.#wakeSharingUsers(changes);
    });
  }

  /** Resolves when a change after `position` concerns the request, when the time is over, or on cancellation. */
  wait(interest: Interest, position: number, timeoutMs: number, cancellation: Cancellation): Promise<void> {
    this.#answering.end(interest.user, cancellation);
    if (timeoutMs <= 0 || cancellation.isCancelled) return Promise.resolve();
    if (this.#mayHaveMissed(interest, position)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        timer.cancel();
        cancellation.off(done);
        this.#remove(waiter);
        resolve();
      };
      const wake = () => {
        this.#answering.begin(interest.user, cancellation);
        done();
      };
      const waiter: Waiter = { interest, wake };
      const timer = this.#parts.clock.after(timeoutMs, done);
      cancellation.on(done);
      this.#add(waiter);
    });
  }

  /**
   * Resolves when the woken requests of a user are answered or wait again, and after a second at most. Returns
   * undefined when there are none.
   */
  answered(user: number): Promise<void> | undefined {
    return this.#answering.of(user, (run) => this.#parts.clock.after(ANSWERS_WAIT_MS, run));
  }

  /** Returns whether a change after a position concerns a request, or whether such a change may have been forgotten. */
  #mayHaveMissed(interest: Interest, position: number): boolean {
    const { user, rooms, also } = interest;
    const { changeLog, userRooms } = this.#parts;
    const rows = userRooms.cached(user);
    const isIndexed = rows !== undefined && also === undefined;
    const changes =
      rooms !== undefined
        ? changeLog.inRooms(user, rooms, position)
        : isIndexed
          ? changeLog.concerning(user, rows, position)
          : changeLog.since(position);
    return changes === undefined || changes.some((change) => this.#concerns(change, interest));
  }

  #add(waiter: Waiter): void {
    const { user, rooms, also } = waiter.interest;
    if (rooms === undefined) put(this.#byUser, user, waiter);
    for (const room of rooms ?? also ?? NONE) put(this.#byRoom, room, waiter);
  }

  #remove(waiter: Waiter): void {
    const { user, rooms, also } = waiter.interest;
    if (rooms === undefined) take(this.#byUser, user, waiter);
    for (const room of rooms ?? also ?? NONE) take(this.#byRoom, room, waiter);
  }

  #notify(change: Change): void {
    if (this.#byUser.size === 0 && this.#byRoom.size === 0) return;
    if ('room' in change && change.room !== null) wake(this.#byRoom.get(change.room));
    switch (change.kind) {
      case 'event':
      case 'whole-state':
        this.#wakeMembers(change.room);
        // Users who have just left or been invited are no members.
        for (const user of change.moved ?? NONE) wake(this.#byUser.get(user));
        break;
      case 'typing':
        this.#wakeMembers(change.room);
        break;
      case 'receipt':
        if (change.private) wake(this.#byUser.get(change.user));
        else this.#wakeMembers(change.room);
        break;
      case 'presence':
      case 'device-list':
        // These changes often come in groups, see `#wakeSharingUsers`.
        break;
      case 'to-device':
        this.#wakeDevices(change.devices);
        break;
      default:
        wake(this.#byUser.get(change.user));
    }
  }

  #wakeDevices(devices: ReadonlyMap<number, number>): void {
    for (const [device, user] of devices) {
      for (const waiter of this.#byUser.get(user) ?? []) if (waiter.interest.device === device) waiter.wake();
    }
  }

  /** Wakes the members of a room. Iterates over the members or over the users who wait, whichever are fewer. */
  #wakeMembers(room: number): void {
    const joined = this.#parts.heads.cached(room)?.joined;
    if (joined === undefined) this.#wakeAll();
    else if (joined.size <= this.#byUser.size) for (const user of joined) wake(this.#byUser.get(user));
    else for (const [user, waiters] of this.#byUser) if (joined.has(user)) wake(waiters);
  }

  /** Wakes the users who share a room with the users of some changes, each room once. */
  #wakeSharingUsers(changes: readonly Change[]): void {
    if (this.#byUser.size === 0 && this.#byRoom.size === 0) return;
    const rooms = new Set<number>();
    /** Rooms with a member whose presence has changed. */
    const present = new Set<number>();
    for (const change of changes) {
      if (change.kind !== 'presence' && change.kind !== 'device-list') continue;
      if (change.kind === 'device-list' && change.onlyFor !== undefined) {
        wake(this.#byUser.get(change.onlyFor));
        continue;
      }
      wake(this.#byUser.get(change.user));
      const rows = this.#parts.userRooms.cached(change.user);
      if (rows === undefined) this.#wakeConcerned(change);
      else
        for (const { room, membership } of rows.values()) {
          if (membership !== 'join') continue;
          rooms.add(room);
          if (change.kind === 'presence') present.add(room);
        }
    }
    for (const room of rooms) this.#wakeMembers(room);
    for (const room of present) this.#wakePresenceListeners(room);
  }

  /** Wakes the waiters that listen to a room and to the presence of its members, whether they have joined it or not. */
  #wakePresenceListeners(room: number): void {
    for (const waiter of this.#byRoom.get(room) ?? []) if (waiter.interest.membersOf?.has(room)) waiter.wake();
  }

  /** Wakes the waiters that a change may concern. Used for a user whose rooms are not cached; checks every waiter. */
  #wakeConcerned(change: Change): void {
    for (const index of [this.#byUser, this.#byRoom]) {
      for (const waiters of index.values()) {
        for (const waiter of waiters) if (this.#concerns(change, waiter.interest)) waiter.wake();
      }
    }
  }

  /**
   * Wakes all users, because the head of a room is not cached and its members are unknown. This is rare: a change loads
   * the head.
   */
  #wakeAll(): void {
    for (const waiters of this.#byUser.values()) wake(waiters);
  }

  #concerns(change: Change, { user, device, rooms, membersOf, also }: Interest): boolean {
    const isIn = (some: ReadonlySet<number>) => 'room' in change && change.room !== null && some.has(change.room);
    if (rooms !== undefined) {
      if (change.kind !== 'presence') return isIn(rooms);
      return membersOf !== undefined && isMemberOfAny(this.#parts.heads, change.user, membersOf);
    }
    if (also !== undefined && isIn(also)) return true;
    switch (change.kind) {
      case 'event':
      case 'whole-state':
        return this.#isJoined(change.room, user) || change.moved?.includes(user) === true;
      case 'typing':
        return this.#isJoined(change.room, user);
      case 'receipt':
        return change.private ? change.user === user : this.#isJoined(change.room, user);
      case 'presence':
        return change.user === user || this.#shareRoom(change.user, user);
      case 'device-list':
        if (device === undefined) return false;
        if (change.onlyFor !== undefined) return change.onlyFor === user;
        return change.user === user || this.#shareRoom(change.user, user);
      case 'to-device':
        return device !== undefined && change.devices.has(device);
      default:
        return change.user === user;
    }
  }

  /** Returns whether two users share a room. Returns true if that is not known without a query. */
  #shareRoom(a: number, b: number): boolean {
    const rooms = this.#parts.userRooms.cached(a);
    const others = this.#parts.userRooms.cached(b);
    if (rooms === undefined || others === undefined) return true;
    for (const { room, membership } of rooms.values()) {
      if (membership === 'join' && others.get(room)?.membership === 'join') return true;
    }
    return false;
  }

  #isJoined(room: number, user: number): boolean {
    return this.#parts.heads.cached(room)?.joined.has(user) ?? true;
  }
}

function put(index: Map<number, Set<Waiter>>, key: number, waiter: Waiter): void {
  const waiters = index.get(key);
  if (waiters === undefined) index.set(key, new Set([waiter]));
  else waiters.add(waiter);
}

function take(index: Map<number, Set<Waiter>>, key: number, waiter: Waiter): void {
  const waiters = index.get(key);
  waiters?.delete(waiter);
  if (waiters?.size === 0) index.delete(key);
}

function wake(waiters: ReadonlySet<Waiter> | undefined): void {
  if (waiters !== undefined) for (const waiter of waiters) waiter.wake();
}
