import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Database, Write } from '../../storage/engine/database.ts';
import { readFollowed, setFollowed } from '../../storage/engine/followers.ts';
import {
  type LateServer,
  putLateServers,
  readLateServers,
  removeLateServers,
} from '../../storage/federation/late-servers.ts';
import type { Destinations } from '../client/destinations.ts';
import { LATE_AFTER_MS, type Queues } from './queues.ts';

interface PositionsParts {
  readonly database: Database;
  readonly queues: Queues;
  readonly destinations: Destinations;
  /** Returns the position up to which all events are in the queues. */
  readonly position: () => number;
  readonly clock: Clock;
  readonly log: Pick<Log, 'info'>;
}

/** The name of the common position among the followers of the stream. */
const NAME = 'sending to other servers';
/** The time after which the events in memory for a server that does not answer are dropped. */
const DROPPED_AFTER_MS = 10 * 60_000;
/** The time after which a server that does not answer is not tried at once when the process starts. */
const DEAD_AFTER_MS = 60 * 60_000;
/** The number of positions after which the common position is stored, even if no server got an event. */
const UNSTORED_MAX = 10_000;

/**
 * The positions in the stream up to which other servers have received all events. One common position is valid for all
 * servers except those that are late, each of which has a position of its own. Both are stored from time to time. After
 * a crash, servers get again what they have received since then, and ignore it.
 */
export class SendingPositions {
  readonly #parts: PositionsParts;
  /** The rows that are on disk. */
  readonly #late = new Map<string, LateServer>();
  #common = 0;
  /** The number of events in queues when the common position was last at the end of the stream. */
  #eventsAdded = 0;
  #isLoaded = false;

  constructor(parts: PositionsParts) {
    this.#parts = parts;
  }

  /** The number of servers whose own position is stored. */
  get lateCount(): number {
    return this.#late.size;
  }

  /** Returns the stored row of a server that is late. */
  late(server: string): LateServer | undefined {
    return this.#late.get(server);
  }

  /** Returns the servers that are late. */
  lateServers(): Iterable<string> {
    return this.#late.keys();
  }

  /**
   * Reads the stored positions and marks the late servers. Returns the common position; on the first start that is the
   * end of the stream.
   */
  async load(current: number): Promise<number> {
    const { database, queues, destinations, clock } = this.#parts;
    const common = await readFollowed(database, NAME);
    if (common === undefined) await database.commit([setFollowed(NAME, current)]);
    this.#common = common ?? current;
    for (const late of await readLateServers(database)) {
      this.#late.set(late.server, late);
      if (clock.now() - late.failingSinceTs > DEAD_AFTER_MS) destinations.restore(late.server, late.failingSinceTs);
      queues.of(late.server).fallBehind(late.position);
    }
    this.#isLoaded = true;
    return this.#common;
  }

  /** Stores the positions if they have changed. Drops EDUs in memory for servers that have become late. */
  async store(): Promise<void> {
    if (!this.#isLoaded) return;
    const { database, queues } = this.#parts;
    const { eventsAdded } = queues;
    const { common, late, isAtEnd } = this.#current();
    const changed = [...late.values()].filter(({ server, position }) => this.#late.get(server)?.position !== position);
    const recovered = [...this.#late.keys()].filter((server) => !late.has(server));
    const isMoved = eventsAdded !== this.#eventsAdded && common !== this.#common;
    if (changed.length === 0 && recovered.length === 0 && !isMoved && common - this.#common < UNSTORED_MAX) return;
    const writes: Write[] = [setFollowed(NAME, common)];
    if (changed.length > 0) writes.push(putLateServers(changed));
    if (recovered.length > 0) writes.push(removeLateServers(recovered));
    await database.commit(writes);
    this.#common = common;
    this.#eventsAdded = isAtEnd ? eventsAdded : -1;
    for (const server of recovered) this.#late.delete(server);
    for (const one of changed) {
      if (!this.#late.has(one.server)) this.#logLate(one);
      this.#late.set(one.server, one);
    }
  }

  /** Returns the positions at this moment. The common one never falls: a server that has less has its own position. */
  #current() {
    const { queues, destinations, position, clock } = this.#parts;
    const late = new Map<string, LateServer>();
    const end = position();
    let common = end;
    for (const [server, queue] of queues.entries()) {
      const isLate = queues.isLate(server);
      if (destinations.failingForMs(server) > DROPPED_AFTER_MS) queue.dropEvents();
      if (isLate) queues.countEdus(queue.dropEdus(), 'dropped');
      const { reached, oldest } = queue;
      if (reached === undefined || reached >= common) continue;
      // A server that answers and refuses everything must not hold up the common position either.
      const waitsLong = oldest !== undefined && clock.elapsed() - oldest.queuedAtMs >= LATE_AFTER_MS;
      if (isLate || waitsLong || queue.behind !== undefined || reached < this.#common) {
        const failingSinceTs = this.#late.get(server)?.failingSinceTs ?? destinations.failing(server)?.sinceTs;
        late.set(server, { server, position: reached, failingSinceTs: failingSinceTs ?? clock.now() });
      } else common = reached;
    }
    return { common: Math.max(common, this.#common), late, isAtEnd: common === end };
  }

  #logLate({ server, position, failingSinceTs }: LateServer): void {
    this.#parts.log.info('another server does not receive events; it catches up when it answers', {
      server,
      position,
      failingSinceTs,
    });
  }
}
