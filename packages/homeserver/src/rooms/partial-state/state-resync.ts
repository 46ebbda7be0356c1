import { prevEventIds } from '@hearth/protocol/events/event.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import { backOffMs } from '../../platform/back-off.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Background } from '../../platform/concurrency/background.ts';
import { KeyedTasks } from '../../platform/concurrency/keyed-tasks.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { Counter, Metrics } from '../../platform/monitoring/metrics.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { type PduDeps, pdusOf } from '../events/pdu.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import type { Gaps } from '../receive/gaps.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { StateBefore } from '../receive/state-before.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import type { CompletedState, StateCompletion } from './completion.ts';
import type { PartialRoom, PartialStates } from './partial-states.ts';

interface Parts {
  readonly partialStates: PartialStates;
  readonly rooms: { readonly heads: Heads; readonly servers: ServersInRooms; readonly events: EventStore };
  readonly graph: { readonly gaps: Gaps; readonly stateBefore: StateBefore; readonly pdus: PduDeps };
  readonly completion: StateCompletion;
  /** Runs one change of a room's events of other servers at a time. */
  readonly inTurn: Serial<number>;
  readonly tools: {
    readonly stream: Stream;
    readonly clock: Clock;
    readonly background: Background;
    readonly log: Pick<Log, 'info' | 'warn'>;
    readonly metrics: Metrics;
  };
}

/** The number of rooms whose whole states are fetched at the same time. */
const ROOMS_MAX = 5;
/** The number of servers that are asked in one attempt. The next attempt begins with the servers after them. */
const SERVERS_MAX = 5;
/** The time until the next attempt. It doubles with each failure. */
const RETRY_MS_MIN = 5_000;
const RETRY_MS_MAX = 60 * 60_000;
/** The number of failed attempts after which a line in the log says that a state is not available. */
const REPORTED_FAILURES = 5;

/** Fetches the whole states of rooms with partial state in the background, from one server after the other. */
export class StateResync {
  readonly #parts: Parts;
  readonly #tasks: KeyedTasks<number>;
  readonly #outcomes: Counter;
  #onCompleted: (completed: CompletedState) => Promise<void> = () => Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { clock, background, metrics } = parts.tools;
    const limits = { runningMax: ROOMS_MAX, errorWaitMs: RETRY_MS_MAX };
    this.#tasks = new KeyedTasks({ clock, background, name: 'fetching the whole state of a room', ...limits }, (room) =>
      this.#run(room),
    );
    const { partialStates } = parts;
    parts.tools.stream.listen((changes) => {
      for (const change of changes)
        if (change.kind === 'event' && partialStates.of(change.room) !== undefined)
          background.start('looking for users in a room with partial state', () => this.#pauseEmpty(change.room));
    });
    metrics.gauge('hearth_partial_state_rooms', 'Rooms whose whole state is not known yet', () => partialStates.count);
    const help = 'Attempts to fetch the whole state of a room, by their outcome';
    this.#outcomes = metrics.counter('hearth_partial_state_attempts_total', help, ['outcome']);
  }

  /** Calls `listener` after each completion. Requests that wait for the state go on when it has resolved. */
  onCompleted(listener: (completed: CompletedState) => Promise<void>): void {
    this.#onCompleted = listener;
  }

  /** Goes on with the rooms that were partial when the process ended. */
  async start(): Promise<void> {
    this.#tasks.wake([...this.#parts.partialStates.all()].map(({ num }) => num));
  }

  close(): void {
    this.#tasks.close();
  }

  /** Begins with a room that this server has just joined. */
  wake(room: number): void {
    this.#tasks.endWait(room);
    this.#tasks.wake([room]);
  }

  /** Lets requests proceed when the last user of this server has left a room. */
  async #pauseEmpty(room: number): Promise<void> {
    const { heads, servers } = this.#parts.rooms;
    const head = await heads.byNum(room);
    if (head !== undefined && !(await servers.isLocal(head))) this.#parts.partialStates.pause(room);
  }

  async #run(room: number): Promise<number | undefined> {
    const { partialStates, rooms } = this.#parts;
    for (;;) {
      const partial = partialStates.of(room);
      const head = partial && (await rooms.heads.byNum(room));
      if (partial === undefined || head === undefined || this.#tasks.isClosed) return undefined;
      if (!(await rooms.servers.isLocal(head))) return undefined;
      const outcome = await this.#attempt(head, partial);
      if (outcome === 'failed') return backOffMs(partial.progress.attempts, RETRY_MS_MIN, RETRY_MS_MAX);
    }
  }

  /** Asks some servers for the whole state, until one has answered it. */
  async #attempt(head: Head, partial: PartialRoom): Promise<'ended' | 'failed'> {
    const { partialStates, tools } = this.#parts;
    for (const server of chosenServers(partial)) {
      partial.progress = { ...partial.progress, server, stored: undefined, total: undefined };
      try {
        await this.#completeFrom(head, partial, server);
        return 'ended';
      } catch (error) {
        if (!(error instanceof FederationError || error instanceof NotReceived)) throw error;
        partial.progress = { ...partial.progress, server: undefined, failure: `${server}: ${error.message}` };
        const { roomId } = head;
        tools.log.info('another server did not answer the whole state of a room', {
          roomId,
          server,
          reason: error.message,
        });
      }
      if (partialStates.of(head.num) !== partial || this.#tasks.isClosed) return 'ended';
    }
    this.#outcomes.add(1, { outcome: 'failed' });
    const attempts = partial.progress.attempts + 1;
    partial.progress = { ...partial.progress, attempts };
    if (attempts === REPORTED_FAILURES)
      tools.log.warn(
        'no server answers the whole state of a room that was joined; lists of its members are not available',
        {
          roomId: head.roomId,
          servers: partial.servers.size,
        },
      );
    return 'failed';
  }

  async #completeFrom(head: Head, partial: PartialRoom, server: string): Promise<void> {
    const { partialStates, completion, inTurn, tools } = this.#parts;
    const whole = await this.#fetch(head, partial, server);
    const completed = await inTurn.run(head.num, async () => {
      // This server may have come into the room again meanwhile.
      if (partialStates.of(head.num) !== partial) return undefined;
      const result = await completion.complete(head.num, partial, whole);
      try {
        await completion.revive(result);
      } catch (error) {
        partialStates.proceed(head.num);
        throw error;
      }
      return result;
    });
    if (completed === undefined) return;
    this.#outcomes.add(1, { outcome: 'completed' });
    tools.log.info('the state of a joined room is complete', {
      roomId: head.roomId,
      server,
      afterMs: tools.clock.now() - (partial.joins[0]?.ts ?? 0),
      members: completed.head.row.joined,
      examinedEvents: completed.examined,
      correctedEvents: completed.corrected,
    });
    try {
      await this.#onCompleted(completed);
    } finally {
      partialStates.proceed(head.num);
    }
  }

  /**
   * Fetches the whole states before the joins by which this server came into the room, except those that follow from
   * known events. @throws FederationError, NotReceived
   */
  async #fetch(head: Head, partial: PartialRoom, server: string): Promise<Map<number, BuiltState>> {
    const { rooms, graph } = this.#parts;
    const whole = new Map<number, BuiltState>();
    const joins = await rooms.events.list(partial.joins.map(({ event }) => event));
    const pdus = await pdusOf(graph.pdus, head.version, joins);
    for (const [i, { num }] of joins.entries()) {
      const prev = prevEventIds(pdus[i] ?? { prev_events: [] }, head.version);
      const isKnown = i > 0 && (await graph.gaps.unplaced(prev)).length === 0;
      if (isKnown) continue;
      const onProgress = (stored: number, total: number) => {
        partial.progress = { ...partial.progress, stored, total };
      };
      whole.set(num, await graph.stateBefore.fetched(head, prev, [], server, onProgress));
    }
    return whole;
  }
}

/** Returns the servers to ask, those first that were not asked in earlier attempts. */
function chosenServers({ servers, progress }: PartialRoom): string[] {
  const all = [...servers];
  const count = Math.min(SERVERS_MAX, all.length);
  const first = all.length === 0 ? 0 : (progress.attempts * count) % all.length;
  return [...all.slice(first), ...all.slice(0, first)].slice(0, count);
}
