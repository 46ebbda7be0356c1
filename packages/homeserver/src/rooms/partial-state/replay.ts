import { inSlices } from '../../platform/concurrency/in-slices.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import type { NewNode } from '../../storage/state/state-tree.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { Rules } from '../receive/rules.ts';
import { ExaminedEvents } from './examined-events.ts';
import type { PartialRoom } from './partial-states.ts';
import { ReplayedTimeline } from './replayed-timeline.ts';

export interface ReplayParts {
  readonly stream: Stream;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly timelines: TimelineStore;
  readonly graphStates: GraphStates;
  readonly resolution: StateResolution;
  readonly rules: Rules;
}

const EXAMINED_AT_ONCE = 100;
const READ_MAX = 1_000_000;

/**
 * The events of a room since this server joined it with partial state, as they are with the whole state: their standing,
 * the states at them, the forward extremities and the state of the room. Nothing that can be seen is changed.
 */
export class Replay {
  readonly #parts: ReplayParts;
  readonly #head: Head;
  readonly #first: number;
  readonly examined: ExaminedEvents;
  readonly timeline: ReplayedTimeline;
  readonly #created: NewNode[] = [];
  /** The number of the last event that was examined. */
  #last: number;

  private constructor(parts: ReplayParts, head: Head, partial: PartialRoom, whole: ReadonlyMap<number, BuiltState>) {
    this.#parts = parts;
    this.#head = head;
    this.#first = partial.joins[0]?.event ?? 0;
    this.#last = this.#first - 1;
    const keep = (state: BuiltState): NodeRef => {
      this.#created.push(...state.created);
      return state.root;
    };
    const roots = new Map(Array.from(whole, ([join, state]) => [join, keep(state)]));
    this.examined = new ExaminedEvents(parts, head, roots, keep);
    this.timeline = new ReplayedTimeline(parts, head, this.examined, keep);
  }

  /** @param whole the whole states before joins by which this server came into the room, by the numbers of the joins */
  static async begin(
    parts: ReplayParts,
    head: Head,
    partial: PartialRoom,
    whole: ReadonlyMap<number, BuiltState>,
  ): Promise<Replay> {
    const replay = new Replay(parts, head, partial, whole);
    await replay.#storeNodes();
    return replay;
  }

  /**
   * Examines the events that were stored since the last call. Returns whether the last event of the head is among those
   * that were examined.
   * @throws NotReceived if the rules reject the join by which this server came into the room
   */
  async extend(): Promise<boolean> {
    const { events, timelines } = this.#parts;
    const join = await events.one(this.#first);
    if (join?.seq == null) throw new Error('the join of a room with partial state has no place in the timeline');
    const range = { room: this.#head.num, after: join.seq - 1, upTo: Number.MAX_SAFE_INTEGER };
    const placed = await timelines.page(range, false, READ_MAX);
    const outside = await timelines.outside(this.#head.num, this.#first);
    const fresh = [...placed, ...outside].filter((num) => num > this.#last).sort((a, b) => a - b);
    const added: StoredEvent[] = [];
    await inSlices(fresh, EXAMINED_AT_ONCE, async (some) => {
      const list = await events.list(some);
      await this.examined.add(list);
      await this.#storeNodes();
      added.push(...list);
      return [];
    });
    if (this.examined.get(this.#first)?.standing !== STANDING.accepted)
      throw new NotReceived('the rules reject the join by the state that was answered', false);
    await inSlices(added, EXAMINED_AT_ONCE, async (some) => {
      await this.timeline.add(some);
      await this.#storeNodes();
      return [];
    });
    this.#last = fresh.at(-1) ?? this.#last;
    return this.#last >= this.#head.row.lastEvent;
  }

  /** Stores the new nodes. Nothing refers to them yet. */
  async #storeNodes(): Promise<void> {
    const { stream, states } = this.#parts;
    const created = this.#created.splice(0);
    if (created.length > 0) await stream.commit(states.nodeWrites(created), []);
  }
}
