import type { AuthEvent } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { nextTurn } from '../platform/concurrency/in-slices.ts';
import { NOT_LOADED } from '../platform/lookups/source.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import { STANDING, type StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { RoomRow } from '../storage/rooms/room-store.ts';
import type { NodeRef } from '../storage/state/state-node.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries, lookup } from '../storage/state/state-tree.ts';

/** A key of the room state. */
export type StateKeyPair = readonly [type: string, stateKey: string];

/** The number of latest events that a head keeps at least. */
const TAIL_MAX = 64;

/** The stores that a head reads. */
export interface HeadStores {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
}

/**
 * The data of a room that the next event needs: the ends of timeline and graph, and the current state. It is in memory.
 * After the necessary state is loaded, a decision reads nothing else, and there is no `await` between reading and
 * replacing the head.
 */
export class Head {
  readonly roomId: string;
  readonly version: RoomVersion;
  /** The row that the next event continues. It may contain changes that are not on disk yet. */
  row: RoomRow;
  /** The row that is on disk. Readers see this one, so that a crash cannot undo anything that they have seen. */
  stored: RoomRow;
  /** The events of `row.extremities`, the forward extremities. */
  extremities: readonly StoredEvent[];
  /** The joined users. */
  readonly joined: Set<number>;
  /**
   * A promise that settles with the latest commit. Requests that answer with a decision of another request wait for it.
   */
  pending: Promise<void> = Promise.resolve();
  /** The cached heroes of a room without a name. Each change of the members clears the value. */
  heroes: { readonly users: readonly number[] | undefined } | undefined;
  /** The cached servers of the joined users. Each change of the members clears the value. */
  servers: ReadonlySet<string> | undefined;
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

  /** Appends an event to the timeline. */
  grow(event: StoredEvent): void {
    this.#tail.push(event.num);
    if (this.#tail.length > 2 * TAIL_MAX) this.#tail.splice(0, TAIL_MAX);
  }

  /** Forgets the latest events, before an event that does not follow them without a gap. */
  restart(): void {
    this.#tail.length = 0;
  }

  /** Removes the last events of the timeline. */
  shrink(by: number): void {
    this.#tail.length = Math.max(0, this.#tail.length - by);
  }

  /** Whether events that were decided on this head were not stored. It can still be read, but decides nothing more. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /**
   * Abandons the head after a failed commit. Its events do not exist, so requests that still hold the head must not
   * wait for them.
   */
  abandon(): void {
    this.shrink(this.row.seq - this.stored.seq);
    this.row = this.stored;
    this.#isAbandoned = true;
  }

  /** Returns the events after a sequence number, oldest first; `undefined` when that needs a query. */
  numsAfter(seq: number): readonly number[] | undefined {
    const count = this.row.seq - seq;
    if (count > this.#tail.length) return undefined;
    return count <= 0 ? [] : this.#tail.slice(-count);
  }

  /** Returns the last events at or before a position, oldest first; `undefined` when that needs a query. */
  latest(limit: number, position: number): readonly number[] | undefined {
    let end = this.#tail.length;
    while (end > 0 && (this.#tail[end - 1] ?? 0) > position) end -= 1;
    const isWholeTimeline = this.#tail.length === this.row.seq;
    return end < limit && !isWholeTimeline ? undefined : this.#tail.slice(Math.max(0, end - limit), end);
  }

  /** Returns the current state event of a key; {@link NOT_LOADED} when that needs a query. */
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

  /** Returns the current state event of a key. */
  async state(type: string, stateKey = ''): Promise<StoredEvent | undefined> {
    for (;;) {
      const event = this.peek(type, stateKey);
      if (event !== NOT_LOADED) return event;
      await this.ensure([[type, stateKey]]);
    }
  }

  /** Returns the current state events of these keys, without empty ones. */
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

  /** Loads the state of these keys, as a promise only if something has to be loaded. */
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

  /** Returns the same as {@link peek} for keys whose state was loaded with `ensure`. */
  known(type: string, stateKey: string): StoredEvent | undefined {
    const event = this.peek(type, stateKey);
    if (event === NOT_LOADED) throw new Error(`the state ${type} of ${this.roomId} is not in memory`);
    return event;
  }
}

/** Loads keys of some states with a few queries for all. */
export async function loadState(
  { names, events, states }: HeadStores,
  wanted: readonly { readonly root: NodeRef; readonly keys: readonly StateKeyPair[] }[],
): Promise<void> {
  // Names without a number get one in memory, so that the next lookup knows that the state does not exist.
  const nums = await names.reserveAll(new Set(wanted.flatMap(({ keys }) => keys.flat())));
  const places = wanted.map(({ root, keys }) => ({
    root,
    keys: keys.map(([type, stateKey]) => ({ type: nums.get(type) ?? 0, stateKey: nums.get(stateKey) ?? 0 })),
  }));
  await events.load((await states.lookupPlaces(places)).flat().filter((num) => num !== undefined));
}

const authForms = new WeakMap<StoredEvent, AuthEvent>();

/**
 * Returns a state event in the form for authorisation, which is created once for each event. It has no `prev_events`.
 */
export function toAuthEvent(event: StoredEvent): AuthEvent {
  const known = authForms.get(event);
  if (known !== undefined) return known;
  const made = authForm(event, []);
  authForms.set(event, made);
  return made;
}

/** Returns a function that reads the loaded part of a room's current state in the form for authorisation. */
export function authStateIn(head: Head): (type: string, stateKey: string) => AuthEvent | undefined {
  return (type, stateKey) => {
    const event = head.known(type, stateKey);
    return event === undefined ? undefined : toAuthEvent(event);
  };
}

/** Returns an event in the form for authorisation. */
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
    ...(event.standing === STANDING.rejected && { rejected: true }),
  };
  if (event.type === 'm.room.redaction') return { ...form, ...redactsOf(event) };
  return event.stateKey === undefined ? form : { ...form, stateKey: event.stateKey };
}

/** Returns the target of a redaction outside the content, which authorisation in versions 1 and 2 reads. */
function redactsOf({ extra }: StoredEvent): { redacts?: string } {
  const { redacts } = JSON.parse(extra ?? '{}') as { redacts?: unknown };
  return typeof redacts === 'string' ? { redacts } : {};
}
