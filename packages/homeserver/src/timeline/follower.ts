import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { Unavailable } from '../platform/unavailable.ts';
import type { Database, Write } from '../storage/engine/database.ts';
import { readFollowed, setFollowed } from '../storage/engine/followers.ts';
import { failureOfRow } from '../storage/engine/row-failure.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';

export interface FollowerParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly timelines: TimelineStore;
  readonly events: EventStore;
  readonly clock: Clock;
  readonly background: Background;
}

/** A function that processes a batch of events and returns the writes that store the result. */
type ProcessEvents = (events: readonly StoredEvent[]) => Promise<Write[]>;

/** A function that creates a follower of the server's stream. Each follower has a unique name. */
export type NewFollower = (name: string, process: ProcessEvents) => Follower;

const BATCH = 500;

/**
 * Processes the events of all rooms in the background, so that senders do not wait for it. The result of a batch is
 * stored together with the position that it has reached. After a restart, the follower continues there and repeats
 * nothing.
 */
export class Follower {
  readonly #parts: FollowerParts;
  readonly #name: string;
  readonly #take: ProcessEvents;
  #position: number | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: FollowerParts, name: string, take: ProcessEvents) {
    this.#parts = parts;
    this.#name = name;
    this.#take = take;
  }

  /** Processes all events up to the end of the stream at the call, or those for which `maxMs` suffice. */
  async catchUp(maxMs = Number.POSITIVE_INFINITY): Promise<void> {
    const { stream, clock } = this.#parts;
    const upTo = stream.current;
    const deadline = clock.elapsed() + maxMs;
    while ((this.#position ?? -1) < upTo && clock.elapsed() < deadline) {
      this.#running ??= this.#batch().finally(() => {
        this.#running = undefined;
      });
      await this.#running;
    }
  }

  /** Skips all events up to the end of the stream. Returns the write that stores the position. */
  skip(): Write {
    const { current } = this.#parts.stream;
    this.#position = current;
    return setFollowed(this.#name, current);
  }

  async #batch(): Promise<void> {
    const { database, stream, timelines } = this.#parts;
    const after = this.#position ?? (await readFollowed(database, this.#name)) ?? 0;
    const upTo = stream.current;
    const nums = await timelines.inStream(after, upTo, BATCH);
    const reached = nums.length < BATCH ? upTo : (nums.at(-1) ?? upTo);
    // The position is not stored after an empty batch, because reading it again is cheap.
    if (nums.length > 0) await this.#process(nums, reached);
    this.#position = Math.max(after, reached);
  }

  async #process(nums: readonly number[], reached: number): Promise<void> {
    const { database, events } = this.#parts;
    try {
      const writes = await this.#take(await events.list(nums));
      await database.commit([...writes, setFollowed(this.#name, reached)]);
    } catch (error) {
      if (error instanceof Unavailable) throw error;
      for (const num of nums) await this.#processAlone(num);
    }
  }

  /** Processes one event of a batch that has failed. Skips the event if it is the cause of the failure. */
  async #processAlone(num: number): Promise<void> {
    const { database, events, background } = this.#parts;
    const done = setFollowed(this.#name, num);
    const failure = await failureOfRow(database, async () => {
      await database.commit([...(await this.#take(await events.list([num]))), done]);
    });
    if (failure === undefined) return;
    background.setAside(this.#name, { event: num }, failure);
    await database.commit([done]);
  }
}
