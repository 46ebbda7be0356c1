import type { Clock } from '../../../platform/clock.ts';
import type { Background } from '../../../platform/concurrency/background.ts';
import { KeyedTasks } from '../../../platform/concurrency/keyed-tasks.ts';
import type { Log } from '../../../platform/monitoring/log.ts';
import type { Database } from '../../../storage/engine/database.ts';
import {
  readStagedEvents,
  readStagedEventsOf,
  removeStagedEvents,
  type StagedEvent,
} from '../../../storage/federation/staged-events.ts';

/** The result of an attempt to process an event. */
export interface Outcome {
  /** The commit of the event. */
  readonly stored: Promise<void>;
  /** The reason why the event has to be tried again. */
  readonly waits?: WaitReason;
}

export interface WaitReason {
  readonly message: string;
  /** The id of an event without which another attempt would fail. */
  readonly missing: string | undefined;
}

interface LanesParts {
  readonly database: Database;
  /** Returns those of some event ids whose events are stored. */
  readonly areStored: (eventIds: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Processes an event. `attempt` counts the attempts from 0 on. */
  readonly process: (staged: StagedEvent, attempt: number) => Promise<Outcome>;
  /** Is called when events of a server need no further attempt. */
  readonly onDone: (staged: readonly StagedEvent[]) => void;
  readonly clock: Clock;
  readonly background: Background;
  readonly log: Pick<Log, 'info' | 'warn'>;
}

/** The events that a server has sent for a room, when they are processed apart from those of other servers. */
interface ServerLane {
  readonly roomId: string;
  readonly origin: string;
  /** The event whose processing has taken so long that the lane began. */
  slow: { readonly staged: StagedEvent; readonly outcome: Promise<Outcome> } | undefined;
  /** The events that are tried again, by their numbers. */
  readonly later: Map<number, Later>;
}

/** The next attempt to process an event. */
interface Later {
  readonly atMs: number;
  readonly waitMs: number;
  /** The number of attempts before. */
  readonly attempt: number;
  readonly missing: string | undefined;
}

interface Processed {
  readonly staged: StagedEvent;
  readonly stored: Promise<void>;
}

const READ_AT_ONCE = 50;
/** The number of rooms whose events are processed at the same time. */
const ROOMS_MAX = 20;
/** The number of servers whose events are processed apart at the same time. Most of them wait for an answer. */
const LANES_MAX = 200;
/** The time after which the events of other servers do not wait for an event any longer. */
const PATIENCE_MS = 300;
/** The time until an event is tried again whose earlier events or state nobody provides. It doubles with each attempt. */
const RETRY_MS_MIN = 10_000;
const RETRY_MS_MAX = 60 * 60_000;
/** The time for which an event is tried again. */
const KEPT_MS = 2 * 24 * 60 * 60_000;
/** The number of events of a server in a room that are tried again. Later ones are given up at once. */
const LATER_MAX = 1_000;

/**
 * Processes the staged events of each room in the order of their arrival. A server whose events have to wait, or take
 * long because it does not answer, gets a lane of its own until they are processed, so that it holds up nobody else.
 */
export class Lanes {
  readonly #parts: LanesParts;
  readonly #rooms: KeyedTasks<string>;
  readonly #servers: KeyedTasks<ServerLane>;
  /** The lanes of servers by room and server. */
  readonly #lanes = new Map<string, Map<string, ServerLane>>();

  constructor(parts: LanesParts) {
    this.#parts = parts;
    const { clock, background } = parts;
    const common = { clock, background, name: 'processing received events', errorWaitMs: RETRY_MS_MIN };
    this.#rooms = new KeyedTasks({ ...common, runningMax: ROOMS_MAX }, (roomId) => this.#runRoom(roomId));
    this.#servers = new KeyedTasks({ ...common, runningMax: LANES_MAX }, (lane) => this.#runServer(lane));
  }

  /** The number of events that are tried again later. */
  get waiting(): number {
    let sum = 0;
    for (const lanes of this.#lanes.values()) for (const { later } of lanes.values()) sum += later.size;
    return sum;
  }

  close(): void {
    this.#rooms.close();
    this.#servers.close();
  }

  /** Processes events that a server has sent for a room. */
  wake(roomId: string, origin: string): void {
    const lane = this.#lanes.get(roomId)?.get(origin);
    if (lane === undefined) {
      this.#rooms.endWait(roomId);
      this.#rooms.wake([roomId]);
    } else this.#wakeLane(lane);
  }

  #wakeLane(lane: ServerLane): void {
    this.#servers.endWait(lane);
    this.#servers.wake([lane]);
  }

  /** Processes the events of a room, except those of servers with a lane. */
  async #runRoom(roomId: string): Promise<undefined> {
    const { database, process } = this.#parts;
    while (!this.#rooms.isClosed) {
      const except = [...(this.#lanes.get(roomId)?.keys() ?? [])];
      const read = await readStagedEvents(database, roomId, { except, limit: READ_AT_ONCE });
      if (read.length === 0) return;
      const done: Processed[] = [];
      for (const staged of read) {
        if (this.#rooms.isClosed) break;
        if (this.#lanes.get(roomId)?.has(staged.origin) === true) continue;
        const pending = process(staged, 0);
        const outcome = await this.#soon(pending);
        if (outcome !== undefined && this.#isDone(staged, outcome)) done.push({ staged, stored: outcome.stored });
        else {
          const lane = this.#laneOf(staged);
          if (outcome === undefined) lane.slow = { staged, outcome: pending };
          this.#wakeLane(lane);
        }
      }
      await this.#finish(done);
    }
  }

  /** Returns the outcome unless it takes long. */
  async #soon(outcome: Promise<Outcome>): Promise<Outcome | undefined> {
    const late = Promise.withResolvers<undefined>();
    const timer = this.#parts.clock.after(PATIENCE_MS, () => {
      // The lane awaits the outcome, but may not have begun to when it fails.
      outcome.catch(() => undefined);
      late.resolve(undefined);
    });
    try {
      return await Promise.race([outcome, late.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** Returns the lane of the server of an event, which begins now unless it exists. */
  #laneOf({ roomId, origin }: StagedEvent): ServerLane {
    const lanes = this.#lanes.get(roomId) ?? new Map<string, ServerLane>();
    this.#lanes.set(roomId, lanes);
    const lane = lanes.get(origin) ?? { roomId, origin, slow: undefined, later: new Map() };
    lanes.set(origin, lane);
    return lane;
  }

  /** Processes the events of a lane that are due. Returns the time until the next one is. */
  async #runServer(lane: ServerLane): Promise<number | undefined> {
    const { database, process, clock } = this.#parts;
    const { roomId, origin, later } = lane;
    // A lane that has ended may have been woken before.
    while (!this.#servers.isClosed && this.#lanes.get(roomId)?.get(origin) === lane) {
      const { slow } = lane;
      if (slow !== undefined) {
        lane.slow = undefined;
        await this.#settle(slow.staged, await slow.outcome);
      }
      const now = clock.elapsed();
      const except = [...later].filter(([, { atMs }]) => atMs > now).map(([num]) => num);
      const read = await readStagedEventsOf(database, roomId, origin, { except, limit: READ_AT_ONCE });
      if (read.length === 0) {
        if (later.size > 0) return Math.max(1, Math.min(...[...later.values()].map(({ atMs }) => atMs)) - now);
        this.#end(lane);
        return undefined;
      }
      for (const staged of read) {
        if (this.#servers.isClosed) break;
        await this.#settle(staged, await process(staged, later.get(staged.num)?.attempt ?? 0));
      }
    }
    return undefined;
  }

  /** Ends a lane without events. Events that have arrived meanwhile are processed with those of other servers. */
  #end({ roomId, origin }: ServerLane): void {
    const lanes = this.#lanes.get(roomId);
    lanes?.delete(origin);
    if (lanes?.size === 0) this.#lanes.delete(roomId);
    this.#rooms.wake([roomId]);
  }

  async #settle(staged: StagedEvent, outcome: Outcome): Promise<void> {
    if (this.#isDone(staged, outcome)) await this.#finish([{ staged, stored: outcome.stored }]);
  }

  /** Removes events that need no further attempt. */
  async #finish(processed: readonly Processed[]): Promise<void> {
    if (processed.length === 0) return;
    await Promise.all(processed.map(({ stored }) => stored));
    const done = processed.map(({ staged }) => staged);
    await this.#parts.database.commit([removeStagedEvents(done.map(({ num }) => num))]);
    for (const { roomId, origin, num } of done) this.#lanes.get(roomId)?.get(origin)?.later.delete(num);
    this.#parts.onDone(done);
    for (const roomId of new Set(done.map((one) => one.roomId))) await this.#wakeFollowers(roomId);
  }

  /** Returns whether an event needs no further attempt. Otherwise notes when it is tried again. */
  #isDone(staged: StagedEvent, outcome: Outcome): boolean {
    if (outcome.waits === undefined) return true;
    const { message: reason, missing } = outcome.waits;
    const { clock, log } = this.#parts;
    const { roomId, eventId, origin, num, ts } = staged;
    const { later } = this.#laneOf(staged);
    const before = later.get(num);
    const fields = { roomId, eventId, origin, reason };
    if (clock.now() - ts > KEPT_MS || (before === undefined && later.size >= LATER_MAX)) {
      log.warn('an event of another server was given up', fields);
      return true;
    }
    const waitMs = Math.min(RETRY_MS_MAX, 2 * (before?.waitMs ?? RETRY_MS_MIN / 2));
    const attempt = (before?.attempt ?? 0) + 1;
    later.set(num, { atMs: clock.elapsed() + waitMs, waitMs, attempt, missing });
    log.info('an event of another server waits', { ...fields, waitMs });
    return false;
  }

  /** Tries those events of a room again that waited for events which are stored now. */
  async #wakeFollowers(roomId: string): Promise<void> {
    const lanes = [...(this.#lanes.get(roomId)?.values() ?? [])].filter(({ later }) => later.size > 0);
    if (lanes.length === 0) return;
    const missing = lanes.flatMap(({ later }) => [...later.values()].flatMap((one) => one.missing ?? []));
    const stored = await this.#parts.areStored([...new Set(missing)]);
    for (const lane of lanes) {
      const due = [...lane.later].filter(([, one]) => one.missing !== undefined && stored.has(one.missing));
      for (const [num, one] of due) lane.later.set(num, { ...one, atMs: 0, missing: undefined });
      if (due.length > 0) this.#wakeLane(lane);
    }
  }
}
