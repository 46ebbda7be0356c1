import type { Clock } from '../../platform/clock.ts';
import type { Cancellation } from '../../platform/concurrency/cancellation.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { Answering } from './answering.ts';
import { type ChangeLog, isMemberOfAny } from './change-log.ts';

/** The rooms and users for which a waiting request is woken. */
export interface Interest {
  readonly user: number;
  /** Also what concerns this device of the user's: messages to it, and whose keys have changed. */
  readonly device?: number;
  /** Only what happens in these rooms, whether the user has joined them or not; otherwise all that concerns the user. */
  readonly rooms?: ReadonlySet<number>;
  /** With `rooms`: also when the presence of a member of one of these changes. */
  readonly membersOf?: ReadonlySet<number>;
  /** Rooms besides those that the user has joined. */
  readonly also?: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

interface Waiter {
  readonly interest: Interest;
  readonly wake: () => void;
}

/** How long a request may wait for the answers to its user's other requests. */
const ANSWERS_WAIT_MS = 1_000;

export interface NotifierParts {
  readonly stream: Stream;
  readonly heads: Heads;
  readonly events: EventStore;
  readonly userRooms: UserRooms;
  readonly changeLog: ChangeLog;
  readonly clock: Clock;
}

/** Wakes waiting requests. A waiting request costs one small record and no query. */
export class Notifier {
  readonly #parts: NotifierParts;
  readonly #byUser = new Map<number, Set<Waiter>>();
  readonly #byRoom = new Map<number, Set<Waiter>>();
  readonly #answering = new Answering();

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      for (const change of changes) this.#notify(change);
      this.#wakeMatesOf(changes);
    });
  }

  /** Resolves when something of interest has happened after `position`, when the time is over or nobody waits any more. */
  wait(interest: Interest, position: number, timeoutMs: number, cancellation: Cancellation): Promise<void> {
    this.#answering.end(interest.user, cancellation);
    if (timeoutMs <= 0 || cancellation.isCancelled) return Promise.resolve();
    if (this.#changesAfter(interest, position).some((change) => this.#concerns(change, interest))) {
      return Promise.resolve();
    }
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
   * Resolves when the requests of a user that were woken are answered, or wait again; undefined when there are none.
   * Waits for a second at most.
   */
  answered(user: number): Promise<void> | undefined {
    return this.#answering.of(user, (run) => this.#parts.clock.after(ANSWERS_WAIT_MS, run));
  }

  /** The changes after a position that may concern a request; the caller has seen everything before it. */
  #changesAfter({ user, rooms, also }: Interest, position: number): readonly Change[] {
    const { changeLog, userRooms } = this.#parts;
    const rows = userRooms.cached(user);
    if (rooms !== undefined) return changeLog.inRooms(user, rooms, position) ?? [];
    const isIndexed = rows !== undefined && also === undefined;
    return (isIndexed ? changeLog.concerning(user, rows, position) : changeLog.since(position)) ?? [];
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
        this.#wakeMembers(change.room);
        this.#wakeTarget(change.event);
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
        // Many of them come together: see `#wakeMatesOf`.
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

  /** The loop goes through the members or the waiting requests, whichever are fewer. */
  #wakeMembers(room: number): void {
    const joined = this.#parts.heads.cached(room)?.joined;
    if (joined === undefined) this.#wakeAll();
    else if (joined.size <= this.#byUser.size) for (const user of joined) wake(this.#byUser.get(user));
    else for (const [user, waiters] of this.#byUser) if (joined.has(user)) wake(waiters);
  }

  /** A member event also concerns the one it is about, who may have just left or been invited. */
  #wakeTarget(num: number): void {
    const event = this.#parts.events.cached(num);
    if (event?.type === 'm.room.member' && event.stateKeyNum !== null) wake(this.#byUser.get(event.stateKeyNum));
  }

  /** Wakes those who share a room with the users of some changes, each once. */
  #wakeMatesOf(changes: readonly Change[]): void {
    if (this.#byUser.size === 0) return;
    const rooms = new Set<number>();
    for (const change of changes) {
      if (change.kind !== 'presence' && change.kind !== 'device-list') continue;
      if (change.kind === 'device-list' && change.onlyFor !== undefined) {
        wake(this.#byUser.get(change.onlyFor));
        continue;
      }
      wake(this.#byUser.get(change.user));
      const rows = this.#parts.userRooms.cached(change.user);
      if (rows === undefined) this.#wakeConcerned(change);
      else for (const { room, membership } of rows.values()) if (membership === 'join') rooms.add(room);
    }
    for (const room of rooms) this.#wakeMembers(room);
  }

  /** Wakes those who may share a room with a user whose rooms are not in memory: looks at everybody who waits. */
  #wakeConcerned(change: Change): void {
    for (const waiters of this.#byUser.values()) {
      for (const waiter of waiters) if (this.#concerns(change, waiter.interest)) waiter.wake();
    }
  }

  /** A room whose head is not in memory: nobody can be told apart, so everybody looks. Rare: a change loads the head. */
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
        return this.#isJoined(change.room, user) || this.#parts.events.cached(change.event)?.stateKeyNum === user;
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

  /** Whether two users share a room, as far as that is known without a query. */
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
