import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Clock } from '../../platform/clock.ts';
import { withinTime } from '../../platform/concurrency/within-time.ts';
import type { SharedRooms } from '../../rooms/membership/shared-rooms.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { WantedDevices } from '../key-query.ts';
import type { ListFetcher } from './list-fetcher.ts';
import type { RemoteDeviceLists } from './remote-device-lists.ts';

interface Parts {
  readonly names: Names;
  readonly sharedRooms: SharedRooms;
  readonly lists: RemoteDeviceLists;
  readonly fetcher: ListFetcher;
  readonly clock: Clock;
}

/** The users of a query whose lists are fetched before the answer, for each server. Others are fetched later. */
const FETCHED_NOW_MAX = 10;
/** The users of a query whose lists are fetched at all. */
const FETCHED_MAX = 200;
const WAIT_MS = 10_000;

type ListState = 'current' | 'stale';

/** The stored keys of users of other servers that are current, for queries of clients. */
export class FollowedKeys {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns those users whose stored keys are current. Missing and stale lists of users who share a room are fetched:
   * a few of each server now, others in the background.
   * @param timeoutMs the time to wait for other servers
   */
  async current(wanted: WantedDevices, timeoutMs = WAIT_MS): Promise<ReadonlySet<string>> {
    const { names, lists, clock } = this.#parts;
    const users = await names.findAll(wanted.keys());
    const states = await this.#states(users.values());
    const missing = [...users].filter(([, user]) => states.get(user) !== 'current');
    const { now, later, added } = await this.#toFetch(missing, states);
    await lists.add(added);
    if (now.length + later.length === 0) return currentOf(users, states);
    const waitMs = Math.min(Math.max(timeoutMs, 0), WAIT_MS);
    await Promise.all(now.map((user) => withinTime(clock, waitMs, () => this.#fetch(user), late).catch(ignoreLate)));
    return currentOf(users, await this.#states(users.values()));
  }

  async #states(users: Iterable<number>): Promise<ReadonlyMap<number, ListState>> {
    const rows = await this.#parts.lists.of([...users]);
    return new Map(rows.map(({ user_num, stale_ts }) => [user_num, stale_ts === null ? 'current' : 'stale']));
  }

  /** Returns the users whose lists are fetched now or later, and those among them who have no list yet. */
  async #toFetch(missing: readonly (readonly [string, number])[], states: ReadonlyMap<number, ListState>) {
    const chosen = { now: [] as number[], later: [] as number[], added: [] as number[] };
    const counts = new Map<string, number>();
    for (const [userId, user] of missing.slice(0, FETCHED_MAX)) {
      const isNew = !states.has(user);
      if (isNew && !(await this.#parts.sharedRooms.isShared(user))) continue;
      const server = domainOf(userId) ?? '';
      const count = counts.get(server) ?? 0;
      counts.set(server, count + 1);
      (count < FETCHED_NOW_MAX ? chosen.now : chosen.later).push(user);
      if (isNew) chosen.added.push(user);
    }
    return chosen;
  }

  /** Fetches a list. If that fails, it is tried again in the background. */
  async #fetch(user: number): Promise<void> {
    try {
      await this.#parts.fetcher.fetch(user);
    } catch (error) {
      if (!(error instanceof FederationError)) throw error;
    }
  }
}

function currentOf(users: ReadonlyMap<string, number>, states: ReadonlyMap<number, ListState>): ReadonlySet<string> {
  return new Set([...users].filter(([, user]) => states.get(user) === 'current').map(([userId]) => userId));
}

const late = () => new FederationError('no-answer', 'the time is over');

function ignoreLate(error: unknown): void {
  if (!(error instanceof FederationError)) throw error;
}
