import { asBoolean, asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { EduQueue } from '../federation/sending/edu-queue.ts';
import { LruMap } from '../platform/caches/lru.ts';
import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { TokenBuckets } from '../platform/token-buckets.ts';
import type { SharedRooms } from '../rooms/membership/shared-rooms.ts';
import type { Names } from '../storage/engine/names.ts';
import type { TypingNotices, TypingObserver } from './typing.ts';

interface Parts {
  readonly typing: TypingNotices;
  readonly sharedRooms: SharedRooms;
  readonly queue: EduQueue;
  readonly names: Names;
  readonly clock: Clock;
  readonly background: Background;
}

/** The last notice about a user in a room that other servers have got. */
interface Told {
  isTyping: boolean;
  atMs: number;
}

/** The time after which a user of another server counts as not typing any more, unless that server repeats it. */
const REMOTE_MS = 60_000;
/** The interval in which other servers are told again that a user still types. */
const REPEAT_MS = 40_000;
/** The minimum time between two notices that the same user has begun to type in a room. */
const RESTART_MS = 5_000;
const TOLD_MAX = 10_000;
/** The number of servers above which one user in {@link RESTART_MS} begins to type in a room, as others see it. */
const SERVERS_MANY = 100;

/** Typing in rooms with other servers (server-server API, "Typing Notifications"). */
export class RemoteTyping implements TypingObserver {
  readonly #parts: Parts;
  readonly #told = new LruMap<string, Told>(TOLD_MAX);
  readonly #largeRooms: TokenBuckets<number>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#largeRooms = new TokenBuckets(parts.clock, { perSecond: 1_000 / RESTART_MS, burst: 1 });
  }

  started(room: number, user: number): void {
    const key = keyFor(room, user);
    const told = this.#told.get(key);
    const atMs = this.#parts.clock.elapsed();
    const sinceMs = told === undefined ? Number.POSITIVE_INFINITY : atMs - told.atMs;
    if (sinceMs < (told?.isTyping === true ? REPEAT_MS : RESTART_MS)) return;
    this.#told.set(key, { isTyping: true, atMs });
    this.#send(room, user);
  }

  stopped(room: number, user: number): void {
    const told = this.#told.get(keyFor(room, user));
    if (told?.isTyping !== true) return;
    told.isTyping = false;
    this.#send(room, user);
  }

  /** Returns the room of a content, because a user may begin and stop typing in one transaction. */
  keyOf(content: JsonObject): string {
    return asString(content.room_id) ?? '';
  }

  /** Processes an EDU of type `m.typing`. */
  async handle(origin: string, content: JsonObject): Promise<void> {
    const { sharedRooms, typing } = this.#parts;
    const head = await sharedRooms.roomWith(origin, asString(content.room_id) ?? '');
    const user = head && (await sharedRooms.joinedUser(origin, head, asString(content.user_id) ?? ''));
    if (head === undefined || user === undefined) return;
    const isTyping = asBoolean(content.typing);
    if (isTyping === true) await typing.startRemote(head.num, user, REMOTE_MS);
    else if (isTyping === false) await typing.stop(head.num, user);
  }

  #send(room: number, user: number): void {
    this.#parts.background.start('sending typing to other servers', () => this.#queue(room, user));
  }

  async #queue(room: number, user: number): Promise<void> {
    const { sharedRooms, names, queue } = this.#parts;
    const servers = await sharedRooms.serversIn(room);
    if (servers.length === 0) return;
    const ids = await names.texts([room, user]);
    const key = keyFor(room, user);
    // The user may have stopped meanwhile, so that all queued EDUs say so.
    const told = this.#told.get(key);
    const isTyping = told?.isTyping === true;
    if (told !== undefined && isTyping && servers.length > SERVERS_MANY && this.#largeRooms.take(room) > 0) {
      told.isTyping = false;
      return;
    }
    const content = { room_id: ids.get(room) ?? '', user_id: ids.get(user) ?? '', typing: isTyping };
    const edu = { edu_type: 'm.typing', content };
    for (const server of servers) queue.queueEdu(server, `m.typing ${key}`, edu);
  }
}

function keyFor(room: number, user: number): string {
  return `${room} ${user}`;
}
