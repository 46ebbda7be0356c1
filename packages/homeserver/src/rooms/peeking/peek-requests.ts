import { limitExceeded } from '@hearth/protocol/errors.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { backOffMs } from '../../platform/back-off.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import { NoSlot } from '../../platform/concurrency/slots.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { BegunPeeks } from './begun-peeks.ts';
import type { RemotePeeks } from './remote-peeks.ts';

interface Parts {
  readonly heads: Heads;
  readonly servers: ServersInRooms;
  readonly peeks: RemotePeeks;
  readonly begun: BegunPeeks;
  readonly clock: Clock;
  readonly background: Background;
  readonly log: Pick<Log, 'info'>;
}

/** The number of peeks of this server that go on at the same time. */
const ACTIVE_MAX = 1_000;
/** The number of peeks that one user may begin within an hour. */
const BEGUN_BY_USER_MAX = 100;
const HOUR_MS = 60 * 60_000;
/** The number of servers that are asked for one room. */
const SERVERS_MAX = 5;
/** The time after which servers are asked again that did not permit a peek. It doubles with each failure. */
const RETRY_MS_MIN = 60_000;
const RETRY_MS_MAX = HOUR_MS;
/** The time after which a client may try again when too many answers are being processed. */
const BUSY_MS = 5_000;
/** A peek that nobody has used for this time is not renewed. */
const UNUSED_MS = 20 * 60_000;
const REMEMBERED_MAX = 10_000;

/** An attempt to open a room. */
interface Attempt {
  readonly roomId: string;
  readonly head: Head | undefined;
  /** The servers that may be in the room, as the client names them. */
  readonly named: readonly string[];
}

interface Failure {
  readonly failures: number;
  /** The time of the next attempt. */
  readonly untilMs: number;
}

/**
 * Opens world-readable rooms on other servers for users who read them without joining (MSC2444): clients of
 * `GET /rooms/{roomId}/initialSync`, of `GET /events` with `room_id`, and of peeks by `/sync` (MSC2753).
 */
export class PeekRequests {
  readonly #parts: Parts;
  readonly #opening = new InFlight<string, void>();
  /** The attempts that have failed, by room and named servers. */
  readonly #failed = new LruMap<string, Failure>(REMEMBERED_MAX);
  /** Servers that may be in rooms, as directories of other servers have named them. */
  readonly #hints = new LruMap<string, readonly string[]>(REMEMBERED_MAX);
  /** The times at which users have begun peeks. */
  readonly #begunAtMs = new LruMap<number, readonly number[]>(REMEMBERED_MAX);
  /** The times at which rooms were last read. */
  readonly #usedAtMs = new LruMap<number, number>(REMEMBERED_MAX);
  #isUsed: (room: number) => boolean = () => false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Counts rooms as used for which `isUsed` returns true. */
  useWhile(isUsed: (room: number) => boolean): void {
    this.#isUsed = isUsed;
  }

  /** Remembers servers that may be in a room. Ids of rooms of version 12 name none. */
  hint({ roomId, servers }: { readonly roomId: string; readonly servers: readonly string[] }): void {
    const all = new Set([...servers, ...(this.#hints.get(roomId) ?? [])]);
    this.#hints.set(roomId, [...all].slice(0, SERVERS_MAX));
  }

  /**
   * Opens a room that this server is not in. Does nothing if this server is in the room, peeks into it already, or no other
   * server permits it.
   * @param named the servers that may be in the room, as the client names them
   * @throws MatrixError M_LIMIT_EXCEEDED
   */
  async open(roomId: string, user: number, named: readonly string[]): Promise<void> {
    const { heads, servers, peeks, clock } = this.#parts;
    const head = await heads.find(roomId);
    if (head !== undefined) {
      if (await servers.isLocal(head)) return;
      this.#usedAtMs.set(head.num, clock.elapsed());
      if (peeks.of(head.num) !== undefined) return;
    }
    const attempt = { roomId, head, named };
    if ((this.#failed.get(keyOf(attempt))?.untilMs ?? 0) > clock.elapsed()) return;
    const candidates = await this.#candidates(attempt);
    if (candidates.length === 0) return;
    await this.#opening.run(roomId, async () => {
      this.#countFor(user);
      await this.#begin(attempt, candidates);
    });
  }

  /** @throws MatrixError M_LIMIT_EXCEEDED */
  #countFor(user: number): void {
    const { clock, peeks } = this.#parts;
    const now = clock.elapsed();
    const times = (this.#begunAtMs.get(user) ?? []).filter((time) => time > now - HOUR_MS);
    const [first = now] = times;
    if (times.length >= BEGUN_BY_USER_MAX) throw limitExceeded(first + HOUR_MS - now, 'You read too many new rooms');
    if (peeks.activeCount >= ACTIVE_MAX)
      throw limitExceeded(UNUSED_MS, 'This server reads too many rooms of other servers');
    this.#begunAtMs.set(user, [...times, now]);
  }

  async #begin(attempt: Attempt, candidates: readonly string[]): Promise<void> {
    const { begun, clock, log } = this.#parts;
    const { roomId } = attempt;
    for (const server of candidates) {
      try {
        const room = await begun.begin(server, roomId);
        this.#usedAtMs.set(room, clock.elapsed());
        this.#failed.delete(keyOf(attempt));
        return;
      } catch (error) {
        if (error instanceof NoSlot) throw limitExceeded(BUSY_MS, 'Too many rooms of other servers are being read');
        if (!(error instanceof FederationError || error instanceof NotReceived)) throw error;
        log.info('another server did not let this one peek into a room', { roomId, server, reason: error.message });
      }
    }
    const failures = (this.#failed.get(keyOf(attempt))?.failures ?? 0) + 1;
    const untilMs = clock.elapsed() + backOffMs(failures, RETRY_MS_MIN, RETRY_MS_MAX);
    this.#failed.set(keyOf(attempt), { failures, untilMs });
  }

  /**
   * Returns the servers to ask: those that the client names, that in the room id, those that directories name, and those known
   * in the room.
   */
  async #candidates({ roomId, head, named }: Attempt): Promise<string[]> {
    const { servers } = this.#parts;
    const inRoomId = domainOf(roomId);
    const known = head === undefined ? [] : await servers.others(head);
    const hinted = this.#hints.get(roomId) ?? [];
    const all = new Set([...named, ...(inRoomId === undefined ? [] : [inRoomId]), ...hinted, ...known]);
    all.delete(servers.serverName);
    return [...all].slice(0, SERVERS_MAX);
  }

  /** Renews the peeks that are used, and ends the others. */
  async renew(): Promise<void> {
    const { peeks, begun, heads, servers, clock } = this.#parts;
    for (const peek of peeks.active()) {
      const head = await heads.byNum(peek.room);
      if (head === undefined) continue;
      if (await servers.isLocal(head)) await begun.joined(head);
      else if (!begun.isDue(peek)) continue;
      else if (!this.#wasUsed(peek.room)) await begun.end(head);
      else if (!(await begun.renew(head, peek))) await this.#beginAgain(head);
      if (peeks.of(peek.room) === undefined) this.#usedAtMs.delete(peek.room);
      else if (this.#usedAtMs.get(peek.room) === undefined) this.#usedAtMs.set(peek.room, clock.elapsed());
    }
  }

  /** Returns whether somebody has read a room lately. After a start of the process that is not known. */
  #wasUsed(room: number): boolean {
    if (this.#isUsed(room)) return true;
    const usedAtMs = this.#usedAtMs.get(room);
    return usedAtMs === undefined || usedAtMs > this.#parts.clock.elapsed() - UNUSED_MS;
  }

  /** Peeks again into a room whose peek another server has ended. */
  expired(server: string, roomId: string): void {
    this.#parts.background.start('renewing a peek that another server has ended', async () => {
      const head = await this.#parts.heads.find(roomId);
      if (head === undefined || this.#parts.peeks.of(head.num)?.server !== server) return;
      await this.#parts.peeks.end(head.num);
      if (this.#wasUsed(head.num)) await this.#beginAgain(head);
    });
  }

  #beginAgain(head: Head): Promise<void> {
    const attempt = { roomId: head.roomId, head, named: [] };
    return this.#opening.run(head.roomId, async () => this.#begin(attempt, await this.#candidates(attempt)));
  }
}

function keyOf({ roomId, named }: Attempt): string {
  return [roomId, ...named].join(' ');
}
