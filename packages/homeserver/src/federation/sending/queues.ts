import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { Destinations } from '../client/destinations.ts';
import { DestinationQueue, EVENTS_WAITING_MAX, type QueuedEvent } from './destination-queue.ts';
import type { SendingCounts } from './sending-counts.ts';
import { eduText } from './transaction.ts';

/**
 * The time after which a server that does not answer is late: its position is stored, and EDUs in memory are dropped.
 * Milliseconds.
 */
export const LATE_AFTER_MS = 60_000;

/** The queues of all servers for which something waits. */
export class Queues {
  readonly #queues = new Map<string, DestinationQueue>();
  readonly #destinations: Destinations;
  readonly #counts: SendingCounts;
  /** The number of times that an event was added to a queue. */
  eventsAdded = 0;

  constructor(destinations: Destinations, counts: SendingCounts) {
    this.#destinations = destinations;
    this.#counts = counts;
  }

  get(server: string): DestinationQueue | undefined {
    return this.#queues.get(server);
  }

  /** Returns the queue of a server, which is created if necessary. */
  of(server: string): DestinationQueue {
    const queue = this.#queues.get(server) ?? new DestinationQueue();
    this.#queues.set(server, queue);
    return queue;
  }

  entries(): Iterable<readonly [server: string, queue: DestinationQueue]> {
    return this.#queues;
  }

  addEvent(server: string, event: QueuedEvent): void {
    this.of(server).addEvent(event, EVENTS_WAITING_MAX);
    this.eventsAdded += 1;
  }

  /** Adds an EDU that is not stored. Returns whether it waits now. */
  addEdu(server: string, key: string, edu: JsonObject): boolean {
    const text = this.isLate(server) ? undefined : eduText(edu);
    const dropped = text === undefined ? 1 : this.of(server).addEdu({ key, text });
    this.countEdus(dropped, 'dropped');
    return text !== undefined;
  }

  /** Returns whether a server has not answered for so long that its position is stored. */
  isLate(server: string): boolean {
    return this.#destinations.failingForMs(server) >= LATE_AFTER_MS;
  }

  countEdus(count: number, outcome: 'dropped' | 'skipped'): void {
    if (count > 0) this.#counts.edus.add(count, { outcome });
  }

  countPdus(count: number, outcome: 'dropped' | 'skipped'): void {
    if (count > 0) this.#counts.pdus.add(count, { outcome });
  }

  /** Removes the queue of a server if nothing waits in it. Returns whether it was removed. */
  release(server: string): boolean {
    if (this.#queues.get(server)?.isIdle === false) return false;
    this.#queues.delete(server);
    return true;
  }

  /** Removes the queue of a server with everything in it. */
  discard(server: string): void {
    const queue = this.#queues.get(server);
    this.#queues.delete(server);
    if (queue === undefined) return;
    this.countPdus(queue.eventsWaiting, 'dropped');
    this.countEdus(queue.edusWaiting, 'dropped');
  }
}
