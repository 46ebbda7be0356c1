import type { Clock } from '../../platform/clock.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import { type Random, randomText } from '../../platform/random.ts';
import type { SendableEvent } from '../../storage/federation/sendable-events.ts';
import { type Attempt, type DestinationQueue, EDUS_MAX, type QueuedEvent } from './destination-queue.ts';
import type { SendingCounts } from './sending-counts.ts';
import type { StoredEdus } from './stored-edus.ts';
import { BYTES_MAX, fittingCount, type Transaction } from './transaction.ts';

/** The access to events that other servers get. */
export interface OutgoingEvents {
  /** Returns the PDUs of events as canonical JSON. Events that no longer exist are missing. */
  pdus(nums: readonly number[]): Promise<ReadonlyMap<number, string>>;
  /**
   * Returns the newest event of each room that a server has not received, the newest of all first.
   * @param range the positions `after < position <= upTo`
   */
  missedBy(server: string, range: { readonly after: number; readonly upTo: number }): Promise<readonly SendableEvent[]>;
}

interface ComposerParts {
  readonly outgoing: OutgoingEvents;
  readonly storedEdus: StoredEdus;
  /** Returns the position up to which all events are in the queues. */
  readonly position: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly counts: SendingCounts;
  readonly log: Pick<Log, 'info'>;
}

const ID_LENGTH = 12;

/** Composes the next transaction of a queue. */
export class Composer {
  readonly #parts: ComposerParts;
  /** Ids are not repeated after a restart. */
  readonly #idPrefix: string;
  #count = 0;

  constructor(parts: ComposerParts) {
    this.#parts = parts;
    this.#idPrefix = randomText(parts.random, ID_LENGTH);
  }

  /** Returns the next transaction for a server, or the last one again if it was not accepted; undefined if nothing waits. */
  async compose(server: string, queue: DestinationQueue): Promise<Transaction | undefined> {
    if (queue.attempt !== undefined) {
      const repeated = await this.#repeat(server, queue.attempt);
      if (hasContent(repeated)) return repeated;
      await this.#clear(server, queue);
    }
    for (;;) {
      if (queue.endRoundIfSent()) this.#parts.log.info('another server has caught up', { server });
      if (queue.isIdle) return undefined;
      if (queue.needsRound) await this.#beginRound(server, queue);
      const transaction = await this.#begin(server, queue);
      if (hasContent(transaction)) return transaction;
      await this.#clear(server, queue);
    }
  }

  async #beginRound(server: string, queue: DestinationQueue): Promise<void> {
    const { outgoing, position, clock } = this.#parts;
    const [after, upTo] = [queue.behind ?? 0, position()];
    queue.beginRound(upTo);
    try {
      const queuedAtMs = clock.elapsed();
      const missed = await outgoing.missedBy(server, { after, upTo });
      queue.fillRound(missed.map(({ position: at, num }) => ({ position: at, num, queuedAtMs })));
    } catch (error) {
      queue.abortRound();
      throw error;
    }
  }

  async #begin(server: string, queue: DestinationQueue): Promise<Transaction> {
    const { storedEdus, clock } = this.#parts;
    this.#count += 1;
    const events = queue.takeEvents();
    const begun = {
      id: `${this.#idPrefix}${this.#count}`,
      ts: clock.now(),
      isCatchUp: queue.isCatchingUp,
      storedThrough: undefined,
      edus: [],
    };
    // The events count as not delivered while their texts are loaded.
    queue.attempt = { ...begun, events };
    const found = await this.#present(events);
    const fitting = found.slice(0, fittingCount(found.map(({ pdu }) => pdu)));
    queue.returnEvents(found.slice(fitting.length).map(({ event }) => event));
    const units = queue.unitsMax - fitting.length;
    const wantsStored = queue.hasStoredEdus && units > 0;
    if (wantsStored) queue.hasStoredEdus = false;
    const stored = wantsStored ? await storedEdus.page(server, Math.min(EDUS_MAX, units)) : undefined;
    if (stored?.isAll === false) queue.hasStoredEdus = true;
    const texts = stored?.texts ?? [];
    const left = Math.min(EDUS_MAX, units) - texts.length;
    const edus = left > 0 ? queue.takeEdus(left, BYTES_MAX - texts.reduce((sum, text) => sum + text.length, 0)) : [];
    queue.attempt = { ...begun, events: fitting.map(({ event }) => event), storedThrough: stored?.through, edus };
    const { id, ts } = begun;
    return { id, ts, pdus: fitting.map(({ pdu }) => pdu), edus: [...texts, ...edus.map(({ text }) => text)] };
  }

  async #repeat(server: string, { id, ts, events, storedThrough, edus }: Attempt): Promise<Transaction> {
    const found = await this.#present(events);
    const stored =
      storedThrough === undefined ? [] : (await this.#parts.storedEdus.page(server, EDUS_MAX, storedThrough)).texts;
    return { id, ts, pdus: found.map(({ pdu }) => pdu), edus: [...stored, ...edus.map(({ text }) => text)] };
  }

  /** Returns the events that exist, with their PDUs. */
  async #present(events: readonly QueuedEvent[]): Promise<{ event: QueuedEvent; pdu: string }[]> {
    const { outgoing, counts } = this.#parts;
    if (events.length === 0) return [];
    const pdus = await outgoing.pdus(events.map(({ num }) => num));
    const found = events.flatMap((event) => {
      const pdu = pdus.get(event.num);
      return pdu === undefined ? [] : [{ event, pdu }];
    });
    if (found.length < events.length) counts.pdus.add(events.length - found.length, { outcome: 'dropped' });
    return found;
  }

  /** Ends a transaction of which nothing could be rendered. */
  async #clear(server: string, queue: DestinationQueue): Promise<void> {
    const through = queue.attempt?.storedThrough;
    if (through !== undefined) await this.#parts.storedEdus.remove(server, through);
    queue.attempt = undefined;
  }
}

function hasContent({ pdus, edus }: Transaction): boolean {
  return pdus.length > 0 || edus.length > 0;
}
