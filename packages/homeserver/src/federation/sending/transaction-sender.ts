import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { backOffMs } from '../../platform/back-off.ts';
import { sleep } from '../../platform/clock.ts';
import { KeyedTasks, type KeyedTasksParts } from '../../platform/concurrency/keyed-tasks.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Destinations } from '../client/destinations.ts';
import type { FederationError } from '../client/federation-error.ts';
import type { Composer } from './composer.ts';
import type { Attempt, DestinationQueue, QueuedEvent } from './destination-queue.ts';
import type { Exchange } from './exchange.ts';
import type { Queues } from './queues.ts';
import type { StoredEdus } from './stored-edus.ts';
import type { Transaction } from './transaction.ts';

interface SenderParts {
  readonly queues: Queues;
  readonly composer: Composer;
  readonly exchange: Exchange;
  readonly storedEdus: StoredEdus;
  readonly destinations: Destinations;
  readonly tasks: Pick<KeyedTasksParts, 'clock' | 'background'> & {
    /**
     * The shortest time between the beginnings of two transactions to a server. Events and EDUs that are queued
     * meanwhile are sent together. Milliseconds.
     */
    readonly intervalMs: number;
  };
  readonly log: Pick<Log, 'warn'>;
}

/** The time until a server that has refused a transaction gets the next one. It doubles with each refusal. */
const REFUSED_MS_MIN = 60_000;
const REFUSED_MS_MAX = 60 * 60_000;
/** The time to wait when too many requests are waiting. */
const BUSY_MS = 1_000;
/** The number of servers to which transactions are sent at the same time, limited further by `FederationClient`. */
const SERVERS_MAX = 1_000;
/** The number of refusals in sequence after which a single PDU or EDU is skipped, whatever the status. */
const REFUSALS_MAX = 10;
/** The statuses with which a server refuses everything, or everything for a while, whatever the content is. */
const REGARDLESS_OF_CONTENT: ReadonlySet<number> = new Set([401, 404, 429]);

/**
 * Sends the PDUs and EDUs that wait for other servers (server-server API, "Transactions"): one transaction at a time
 * for each server, in order.
 */
export class TransactionSender {
  readonly #parts: SenderParts;
  readonly #tasks: KeyedTasks<string>;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    const { clock, background } = parts.tasks;
    const limits = { runningMax: SERVERS_MAX, errorWaitMs: REFUSED_MS_MIN };
    this.#tasks = new KeyedTasks({ clock, background, name: 'sending to other servers', ...limits }, (server) =>
      this.#run(server),
    );
    parts.destinations.onAlive((server) => this.#tasks.endWait(server));
  }

  /** Sends the EDUs that were stored before the start of the process. */
  async start(): Promise<void> {
    this.wakeForStored(await this.#parts.storedEdus.servers());
  }

  /** Sends an event to servers. */
  sendEvent(event: QueuedEvent, servers: readonly string[]): void {
    for (const server of servers) this.#parts.queues.addEvent(server, event);
  }

  /**
   * Queues an EDU that is lost when the process ends or the server does not answer for a while: typing, receipts,
   * presence. It replaces a waiting EDU with the same key. Callers pass the same object for all servers that get the
   * EDU.
   */
  queueEdu(server: string, key: string, edu: JsonObject): void {
    if (this.#parts.queues.addEdu(server, key, edu)) this.#tasks.wake([server]);
  }

  /** Sends the EDUs that were stored for servers. */
  wakeForStored(servers: Iterable<string>): void {
    const woken = [...servers];
    for (const server of woken) this.#parts.queues.of(server).hasStoredEdus = true;
    this.wake(woken);
  }

  /** Sends what waits for servers, now or at the end of the wait after a failure. */
  wake(servers: Iterable<string>): void {
    this.#tasks.wake(servers);
  }

  /**
   * Resolves when nothing waits for a server, or after a time. A request that depends on what was sent before, such as
   * that of a user who joins again, waits for this.
   */
  async settled(server: string, maxMs: number): Promise<void> {
    const { queues, destinations, tasks } = this.#parts;
    const endMs = tasks.clock.elapsed() + maxMs;
    while (queues.get(server) !== undefined && !destinations.isFailing(server) && tasks.clock.elapsed() < endMs)
      await sleep(tasks.clock, tasks.intervalMs);
  }

  close(): void {
    this.#tasks.close();
  }

  /** Sends transactions until nothing waits. Returns the time to wait if the server does not accept one. */
  async #run(server: string): Promise<number | undefined> {
    const { queues, destinations, composer, exchange, tasks } = this.#parts;
    while (!this.#tasks.isClosed) {
      const queue = queues.get(server);
      if (queue === undefined) return undefined;
      const waitMs = destinations.waitMs(server);
      if (waitMs > 0) return waitMs;
      const begunAtMs = tasks.clock.elapsed();
      const transaction = await composer.compose(server, queue);
      if (transaction === undefined) {
        if (queues.release(server)) return undefined;
        continue;
      }
      if (this.#tasks.isClosed) return undefined;
      const failure = await exchange.send(server, transaction);
      const delayMs = await this.#settle(server, queue, transaction, failure);
      if (delayMs !== undefined) return delayMs;
      // The queue stays although it may be empty, so that the next event waits for the end of the interval.
      const restMs = tasks.intervalMs - (tasks.clock.elapsed() - begunAtMs);
      if (restMs > 0 && !queue.hasFullTransaction) return restMs;
    }
    return undefined;
  }

  /** Notes the result of a transaction. Returns the time to wait before the next one. */
  async #settle(
    server: string,
    queue: DestinationQueue,
    transaction: Transaction,
    failure: FederationError | undefined,
  ): Promise<number | undefined> {
    const { queues, storedEdus, destinations } = this.#parts;
    if (failure === undefined) {
      await this.#removeStored(server, queue.attempt);
      queue.accepted();
      return undefined;
    }
    if (failure.kind === 'not-permitted') {
      await storedEdus.removeAll(server);
      queues.discard(server);
      return undefined;
    }
    if (failure.kind === 'refused') return this.#refused(server, queue, transaction, failure);
    return Math.max(destinations.waitMs(server), BUSY_MS);
  }

  /**
   * Makes the next transaction smaller after a refusal, so that one PDU that the server does not like delays the others
   * but does not stop them. A PDU or EDU that is refused alone is skipped.
   */
  async #refused(
    server: string,
    queue: DestinationQueue,
    { pdus, edus }: Transaction,
    { status = 0, message }: FederationError,
  ): Promise<number | undefined> {
    const { log, queues } = this.#parts;
    queue.refusals += 1;
    const { refusals, attempt } = queue;
    const units = pdus.length + edus.length;
    const isForContent = status >= 400 && status < 500 && !REGARDLESS_OF_CONTENT.has(status);
    // A firewall may answer 403 because of the content, and a server because it does not talk to this one.
    const waitMs = isForContent && status !== 403 ? 0 : backOffMs(refusals, REFUSED_MS_MIN, REFUSED_MS_MAX);
    const fields = { server, reason: message, pdus: pdus.length, edus: edus.length };
    if (status !== 429 && units > 1) {
      queues.countEdus(queue.split(units), 'dropped');
      if (refusals === 1 || waitMs > 0) log.warn('another server refuses a transaction', { ...fields, waitMs });
    } else if (isForContent || refusals >= REFUSALS_MAX) {
      log.warn('skipped an event or EDU that another server refuses', { ...fields, event: attempt?.events[0]?.num });
      await this.#removeStored(server, attempt);
      queues.countPdus(pdus.length, 'skipped');
      queues.countEdus(edus.length, 'skipped');
      queue.attempt = undefined;
    } else log.warn('another server refuses a transaction', { ...fields, waitMs });
    return waitMs === 0 ? undefined : waitMs;
  }

  async #removeStored(server: string, attempt: Attempt | undefined): Promise<void> {
    const through = attempt?.storedThrough;
    if (through !== undefined) await this.#parts.storedEdus.remove(server, through);
  }
}
