import { forbidden } from '@hearth/protocol/errors.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Membership } from '../rooms/membership/membership-view.ts';
import type { Stream } from '../storage/engine/stream.ts';

/** The users who type in a room, as of a position. */
export interface TypingState {
  readonly position: number;
  readonly users: readonly number[];
}

const DEFAULT_MS = 30_000;
const LONGEST_MS = 120_000;
const ROOMS_MAX = 20_000;
/** The maximum number of typing users in a room. */
const TYPING_IN_ROOM_MAX = 200;
/** The maximum number of typing users in a room above which no more users of other servers are added. */
const TYPING_WITH_REMOTE_MAX = 100;

/** An observer that informs other servers of typing users. */
export interface TypingObserver {
  /** Records that a user of this server types, or still types. */
  started(room: number, user: number): void;
  /** Records that a user does not type any more. */
  stopped(room: number, user: number): void;
}

interface TypingParts {
  readonly stream: Stream;
  readonly clock: Clock;
  readonly membership: Membership;
  readonly background: Background;
}

/**
 * The typing users of each room (client-server API, "Typing Notifications"). They are only in memory, because typing
 * ends within two minutes.
 */
export class TypingNotices {
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #membership: Membership;
  readonly #background: Background;
  readonly #timers = new Map<number, Map<number, Timer>>();
  readonly #announced = new LruMap<number, TypingState>(ROOMS_MAX);
  #observer: TypingObserver | undefined;

  constructor({ stream, clock, membership, background }: TypingParts) {
    this.#stream = stream;
    this.#clock = clock;
    this.#membership = membership;
    this.#background = background;
    stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind !== 'event' || !this.#timers.has(change.room)) continue;
        background.start('ending typing notifications of absent users', () => this.#stopAbsent(change.room));
      }
    });
  }

  /**
   * Returns the users who type in a room; undefined if nobody has typed for long. Clients that have read up to an
   * earlier position have to get it.
   */
  typingIn(room: number): TypingState | undefined {
    return this.#announced.get(room);
  }

  /** Sets the observer of users of this server. */
  observeWith(observer: TypingObserver): void {
    this.#observer = observer;
  }

  /** Sets whether a user of this server types. @throws MatrixError M_FORBIDDEN */
  async set(user: number, roomId: string, isTyping: boolean, timeoutMs = DEFAULT_MS): Promise<void> {
    const isJoined = await this.#membership.isJoined(roomId, user);
    const room = isJoined ? await this.#membership.roomNum(roomId) : undefined;
    if (room === undefined) throw forbidden('You are not in this room');
    if (!isTyping || timeoutMs <= 0) return this.stop(room, user);
    await this.#start(room, user, Math.min(timeoutMs, LONGEST_MS), TYPING_IN_ROOM_MAX);
    if (this.#timers.get(room)?.has(user) === true) this.#observer?.started(room, user);
  }

  /** Records that a joined user of another server types. */
  async startRemote(room: number, user: number, timeoutMs: number): Promise<void> {
    await this.#start(room, user, timeoutMs, TYPING_WITH_REMOTE_MAX);
  }

  /** Records that a user has stopped typing. */
  async stop(room: number, user: number): Promise<void> {
    const users = this.#timers.get(room);
    const timer = users?.get(user);
    if (users === undefined || timer === undefined) return;
    timer.cancel();
    users.delete(user);
    if (users.size === 0) this.#timers.delete(room);
    this.#observer?.stopped(room, user);
    await this.#announce(room);
  }

  /** Ends all typing while clients still wait, because the server does not know the typing users after a restart. */
  async end(): Promise<void> {
    const rooms = [...this.#timers.keys()];
    this.close();
    await Promise.all(rooms.map((room) => this.#announce(room)));
  }

  /** Stops all timers. */
  close(): void {
    for (const users of this.#timers.values()) for (const timer of users.values()) timer.cancel();
    this.#timers.clear();
  }

  /** Ends the typing of users who have left the room. */
  async #stopAbsent(room: number): Promise<void> {
    const typing = [...(this.#timers.get(room)?.keys() ?? [])];
    for (const user of await this.#membership.absentFrom(room, typing)) await this.stop(room, user);
  }

  async #start(room: number, user: number, timeoutMs: number, usersMax: number): Promise<void> {
    const users = this.#timers.get(room) ?? new Map<number, Timer>();
    const before = users.get(user);
    if (before === undefined && (users.size >= usersMax || this.#timers.size >= ROOMS_MAX)) return;
    before?.cancel();
    users.set(
      user,
      this.#clock.after(timeoutMs, () =>
        this.#background.start('ending a typing notification', () => this.stop(room, user)),
      ),
    );
    this.#timers.set(room, users);
    if (before === undefined) await this.#announce(room);
  }

  #announce(room: number): Promise<void> {
    const users = [...(this.#timers.get(room)?.keys() ?? [])];
    const position = this.#stream.next();
    return this.#stream.commit([], [{ kind: 'typing', position, room }], () => {
      this.#announced.set(room, { position, users });
    });
  }
}
