import type { AuthEvent } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { RoomRow } from '../storage/rooms/room-store.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries, lookup, NOT_LOADED } from '../storage/state/state-tree.ts';

/** A place in the room state. */
export type StateKeyPair = readonly [type: string, stateKey: string];

/** How many of the latest events a head remembers at least. */
const TAIL_MAX = 64;

/** The stores that a head reads. */
export interface HeadStores {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
}

/**
 * A room as the next event finds it: where its timeline and graph end, and its state. It lives in memory; once the
 * state that matters is loaded a decision reads nothing else, and no `await` stands between reading and replacing it.
 */
export class Head {
  readonly roomId: string;
  readonly version: RoomVersion;
  /** The state that the next event builds on; its latest part may not be on disk yet. */
  row: RoomRow;
  /** The state that is on disk. Readers see this one, so that a crash cannot take away what they have seen. */
  stored: RoomRow;
  /** The events of `row.extremities`: those that no other event points at. */
  extremities: readonly StoredEvent[];
  /** Users who have joined. */
  readonly joined: Set<number>;
  /** Settles with the latest commit, for those who answer with what somebody else has just decided. */
  pending: Promise<void> = Promise.resolve();
  /** The first members by whom a nameless room is called, as last asked; forgotten when somebody comes or goes. */
  heroes: Promise<readonly number[]> | undefined;
  #isAbandoned = false;
  /** The numbers of the latest events, the last of them that of `row.seq`. */
  readonly #tail: number[];
  readonly #stores: HeadStores;

  constructor(
    roomId: string,
    version: RoomVersion,
    stored: {
      readonly row: RoomRow;
      readonly extremities: readonly StoredEvent[];
      readonly joined: Iterable<number>;
      /** Events at the end of the timeline, the last of them that of `row.seq`, with none missing between. */
      readonly tail?: readonly number[];
    },
    stores: HeadStores,
  ) {
    this.roomId = roomId;
    this.version = version;
    this.row = stored.row;
    this.stored = stored.row;
    this.extremities = stored.extremities;
    this.joined = new Set(stored.joined);
    this.#tail = [...(stored.tail ?? [])];
    this.#stores = stores;
  }

  get num(): number {
    return this.row.num;
  }

  get root(): NodeRef {
    return this.row.root;
  }

  /** Notes the event by which the timeline has just grown. */
  grow(event: StoredEvent): void {
    this.#tail.push(event.num);
    if (this.#tail.length > 2 * TAIL_MAX) this.#tail.splice(0, TAIL_MAX);
  }

  /** Takes back what the timeline has grown by. */
  shrink(by: number): void {
    this.#tail.length = Math.max(0, this.#tail.length - by);
  }

  /** Whether events that were decided on this head were not stored. It can still be read, but decides nothing more. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /**
   * Gives up what was decided on this head and not stored: those events are nowhere, so that requests which still hold
   * the head would look for them without end.
   */
  abandon(): void {
    this.shrink(this.row.seq - this.stored.seq);
    this.row = this.stored;
    this.#isAbandoned = true;
  }

  /** The events after a place in the timeline, oldest first; `undefined` when that takes a query. */
  numsAfter(seq: number): readonly number[] | undefined {
    const count = this.row.seq - seq;
    if (count > this.#tail.length) return undefined;
    return count <= 0 ? [] : this.#tail.slice(-count);
  }

  /** The last events at or before a position, oldest first; `undefined` when that takes a query. */
  latest(limit: number, position: number): readonly number[] | undefined {
    let end = this.#tail.length;
    while (end > 0 && (this.#tail[end - 1] ?? 0) > position) end -= 1;
    const isWholeTimeline = this.#tail.length === this.row.seq;
    return end < limit && !isWholeTimeline ? undefined : this.#tail.slice(Math.max(0, end - limit), end);
  }

  /** The current state event of a place; {@link NOT_LOADED} when it takes a query to know. */
  peek(type: string, stateKey: string): StoredEvent | undefined | typeof NOT_LOADED {
    const { names, events } = this.#stores;
    const typeNum = names.cachedNum(type);
    const stateKeyNum = names.cachedNum(stateKey);
    // A string without a number has no state.
    if (typeNum === undefined || stateKeyNum === undefined) return names.isComplete ? undefined : NOT_LOADED;
    const num = lookup(this.row.root, typeNum, stateKeyNum);
    if (num === undefined || num === NOT_LOADED) return num;
    return events.cached(num) ?? NOT_LOADED;
  }

  /** The current state event of a place. */
  async state(type: string, stateKey = ''): Promise<StoredEvent | undefined> {
    for (;;) {
      const event = this.peek(type, stateKey);
      if (event !== NOT_LOADED) return event;
      await this.ensure([[type, stateKey]]);
    }
  }

  /** The current state events of these places, without those that are empty. */
  async states(keys: readonly StateKeyPair[]): Promise<StoredEvent[]> {
    await this.ensure(keys);
    return keys.flatMap(([type, stateKey]) => this.known(type, stateKey) ?? []);
  }

  /** Returns all current state events of some types. The whole state is loaded. */
  async statesOfTypes(wanted: Iterable<string>): Promise<StoredEvent[]> {
    const { names, events, states } = this.#stores;
    const { root } = this.row;
    await states.loadAll([root]);
    const types = new Set((await names.findAll(wanted)).values());
    return events.list(entries(root).flatMap(({ type, event }) => (types.has(type) ? [event] : [])));
  }

  /** Brings whatever of these places is not in memory there; a promise only if that is something. */
  ensure(keys: readonly StateKeyPair[]): Promise<void> | undefined {
    const isAbsent = ([type, stateKey]: StateKeyPair) => this.peek(type, stateKey) === NOT_LOADED;
    return keys.some(isAbsent) ? this.#bring(keys, isAbsent) : undefined;
  }

  async #bring(keys: readonly StateKeyPair[], isAbsent: (key: StateKeyPair) => boolean): Promise<void> {
    for (let round = 0; ; round += 1) {
      const absent = keys.filter(isAbsent);
      if (absent.length === 0) return;
      // Other lookups may have evicted the values that were loaded here.
      if (round > 0) await nextTurn();
      await loadState(this.#stores, [{ root: this.row.root, keys: absent }]);
    }
  }

  /** As {@link peek}, for places that were ensured. */
  known(type: string, stateKey: string): StoredEvent | undefined {
    const event = this.peek(type, stateKey);
    if (event === NOT_LOADED) throw new Error(`the state ${type} of ${this.roomId} is not in memory`);
    return event;
  }
}

/** Brings places of some states into memory, with a few queries for all. */
export async function loadState(
  { names, events, states }: HeadStores,
  wanted: readonly { readonly root: NodeRef; readonly keys: readonly StateKeyPair[] }[],
): Promise<void> {
  // Names that have no number get one in memory, so that the next lookup knows that there is no such state.
  const nums = await names.reserveAll(new Set(wanted.flatMap(({ keys }) => keys.flat())));
  const places = wanted.map(({ root, keys }) => ({
    root,
    keys: keys.map(([type, stateKey]) => ({ type: nums.get(type) ?? 0, stateKey: nums.get(stateKey) ?? 0 })),
  }));
  await events.load((await states.lookupPlaces(places)).flat().filter((num) => num !== undefined));
}

const authForms = new WeakMap<StoredEvent, AuthEvent>();

/** A state event as authorisation reads it; made once for each event. Its `prev_events` are left out. */
export function toAuthEvent(event: StoredEvent): AuthEvent {
  const known = authForms.get(event);
  if (known !== undefined) return known;
  const made = authForm(event, []);
  authForms.set(event, made);
  return made;
}

/** The event that is being judged, as authorisation reads it. */
export function authForm(event: StoredEvent, prevEvents: readonly string[]): AuthEvent {
  const form = {
    eventId: event.eventId,
    roomId: event.roomId,
    sender: event.sender,
    type: event.type,
    content: event.content,
    originServerTs: event.ts,
    depth: event.depth,
    authEvents: [],
    prevEvents,
  };
  if (event.type === 'm.room.redaction') return { ...form, ...redactsOf(event) };
  return event.stateKey === undefined ? form : { ...form, stateKey: event.stateKey };
}

/** The target of a redaction where it stands beside the content: authorisation in versions 1 and 2 asks for it. */
function redactsOf({ extra }: StoredEvent): { redacts?: string } {
  const { redacts } = JSON.parse(extra ?? '{}') as { redacts?: unknown };
  return typeof redacts === 'string' ? { redacts } : {};
}
