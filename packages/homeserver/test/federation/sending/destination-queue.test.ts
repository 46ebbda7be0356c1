import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DestinationQueue, type QueuedEvent } from '../../../src/federation/sending/destination-queue.ts';

/** A step of the life of a queue. */
type Step =
  | { readonly kind: 'event'; readonly room: number }
  | { readonly kind: 'accept' | 'fail' | 'refuse' | 'begin' | 'crash' | 'drop' };

const ROOMS = 3;
const WAITING_MAX = 2;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ kind: fc.constant('event' as const), room: fc.nat(ROOMS - 1) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'accept' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'begin' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'fail' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'refuse' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'drop' as const }) },
);

/** A queue with the events that are on disk and those that the other server has received. */
class Life {
  queue = new DestinationQueue();
  readonly received: number[] = [];
  hasLostEvents = false;
  /** The rooms of the events. The position of an event is its index plus one. */
  readonly #rooms: number[] = [];
  #count = 0;

  do(one: Step): void {
    switch (one.kind) {
      case 'event':
        this.#rooms.push(one.room);
        this.queue.addEvent(this.#at(this.#rooms.length), WAITING_MAX);
        break;
      case 'begin':
        this.#begin();
        break;
      case 'accept':
        this.#accept();
        break;
      case 'refuse':
        this.#begin();
        if ((this.queue.attempt?.events.length ?? 0) > 1) this.queue.split(this.queue.attempt?.events.length ?? 0);
        break;
      case 'crash':
        this.#crash();
        break;
      case 'drop':
        this.queue.dropEvents();
        break;
      case 'fail':
        // The transaction is repeated.
        this.#begin();
        break;
    }
    if (this.queue.behind !== undefined) this.hasLostEvents = true;
  }

  /** Sends until nothing waits. */
  finish(): void {
    for (let rounds = 0; !this.queue.isIdle; rounds += 1) {
      if (rounds > 1_000) throw new Error('the queue never becomes idle');
      this.#accept();
    }
  }

  /** The newest event of each room. */
  get newest(): number[] {
    return Array.from({ length: ROOMS }, (_, room) => this.#rooms.lastIndexOf(room) + 1).filter((at) => at > 0);
  }

  get all(): number[] {
    return this.#rooms.map((_, i) => i + 1);
  }

  #at(position: number): QueuedEvent {
    return { position, num: position, queuedAtMs: 0 };
  }

  /** Composes a transaction if there is none. */
  #begin(): void {
    const { queue } = this;
    if (queue.attempt !== undefined) return;
    queue.endRoundIfSent();
    if (queue.needsRound) {
      const after = queue.behind ?? 0;
      queue.beginRound(this.#rooms.length);
      queue.fillRound(this.newest.filter((at) => at > after).map((at) => this.#at(at)));
    }
    const isCatchUp = queue.isCatchingUp;
    const events = queue.takeEvents();
    if (events.length === 0) {
      queue.endRoundIfSent();
      return;
    }
    this.#count += 1;
    queue.attempt = { id: `${this.#count}`, ts: 0, events, isCatchUp, storedThrough: undefined, edus: [] };
  }

  #accept(): void {
    this.#begin();
    if (this.queue.attempt === undefined) return;
    this.received.push(...this.queue.attempt.events.map(({ position }) => position));
    this.queue.accepted();
  }

  /** Continues with a new queue from the position that would be on disk. */
  #crash(): void {
    const { reached } = this.queue;
    this.queue = new DestinationQueue();
    if (reached !== undefined) this.queue.fallBehind(reached);
  }
}

test('a server gets the newest event of each room, and all events in order unless some were dropped', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const life = new Life();
      for (const one of steps) life.do(one);
      life.finish();
      expect(life.received).toEqual(expect.arrayContaining(life.newest));
      if (!life.hasLostEvents) expect(life.received).toEqual(life.all);
    }),
    { numRuns: 2_000 },
  );
});

test('events that are queued during a catch-up are sent after it', () => {
  const queue = new DestinationQueue();
  const at = (position: number) => ({ position, num: position, queuedAtMs: 0 });
  queue.fallBehind(10);
  queue.addEvent(at(20), WAITING_MAX);
  expect(queue.reached).toBe(10);
  queue.beginRound(20);
  queue.fillRound([at(20)]);
  queue.addEvent(at(30), WAITING_MAX);
  expect(queue.takeEvents()).toEqual([at(20)]);
  expect(queue.takeEvents()).toEqual([]);
  expect(queue.endRoundIfSent()).toBe(true);
  expect(queue.takeEvents()).toEqual([at(30)]);
});
