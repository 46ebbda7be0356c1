import { notFound } from '@hearth/protocol/errors.ts';
import { type RoomVersion, roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { cacheBytes, ENTRY_BYTES } from '../platform/caches/cache-size.ts';
import { LruMap } from '../platform/caches/lru.ts';
import { inSlices } from '../platform/concurrency/in-slices.ts';
import { NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { EventPosition, TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import type { MembershipStore } from '../storage/rooms/membership-store.ts';
import type { RoomRow, RoomStore } from '../storage/rooms/room-store.ts';
import { emptyState } from '../storage/state/state-tree.ts';
import { Head, type HeadStores, loadState, type StateKeyPair } from './head.ts';

const HEADS_MAX = 2_000;
/** The number of heads that are loaded together, before other requests run. */
const LOADED_AT_ONCE = 200;
/** The number of latest events that a loaded head has: more than most timelines show. */
const TAIL_LENGTH = 32;

/** A room that is about to be created. */
interface NewRoom {
  readonly roomId: string;
  readonly num: number;
  readonly version: RoomVersion;
  readonly isPublished: boolean;
  /** Whether the room is on other servers, so that history from before its first event here may be fetched. */
  readonly isRemote?: boolean;
}

/** The sequence number before the first event of a room on other servers. Its history gets the numbers below. */
const REMOTE_SEQ = 2 ** 30;

interface HeadsStores extends HeadStores {
  readonly rooms: RoomStore;
  readonly memberships: MembershipStore;
  readonly timelines: TimelineStore;
}

/** A place in the current state of a room. */
export interface CurrentState {
  readonly head: Head;
  readonly type: string;
  readonly stateKey: string;
}

/** A bounded cache of the heads of rooms. */
export class Heads {
  readonly #stores: HeadsStores;
  readonly #ready = new LruMap<number, Head>(HEADS_MAX, {
    bytesMax: cacheBytes(64),
    bytesOf: ({ joined }) => 3_000 + ENTRY_BYTES * joined.size,
  });
  /** Heads that are being loaded. */
  readonly #loading = new Map<number, Promise<Head | undefined>>();

  /** Heads by number; `undefined` for an unknown room. */
  readonly source: Source<number, Head | undefined> = {
    peek: (num) => this.#ready.get(num) ?? NOT_LOADED,
    load: async (nums) => {
      await this.ensure(nums);
      const heads = new Map(await Promise.all(nums.map(async (num) => [num, await this.byNum(num)] as const)));
      return (num) => heads.get(num);
    },
  };

  /** The current state events of rooms; `undefined` for an empty place. */
  readonly stateSource: Source<CurrentState, StoredEvent | undefined> = {
    peek: ({ head, type, stateKey }) => head.peek(type, stateKey),
    load: async (places) => {
      await this.ensureState(places.map(({ head, type, stateKey }) => ({ head, keys: [[type, stateKey]] })));
      const found = await Promise.all(
        places.map(async (place) => [place, await place.head.state(place.type, place.stateKey)] as const),
      );
      const events = new Map(found);
      return (place) => events.get(place);
    },
    idOf: ({ head, type, stateKey }) => `${head.num}/${type}/${stateKey}`,
  };

  constructor(stores: HeadsStores) {
    this.#stores = stores;
  }

  /** Returns the head of a room; `undefined` for an unknown room. */
  async find(roomId: string): Promise<Head | undefined> {
    const { names } = this.#stores;
    const num = names.cachedNum(roomId) ?? (await names.find(roomId));
    return num === undefined ? undefined : this.byNum(num);
  }

  /** @throws MatrixError M_NOT_FOUND */
  async get(roomId: string): Promise<Head> {
    const head = await this.find(roomId);
    if (head === undefined) throw notFound('The room does not exist');
    return head;
  }

  /** Returns the head of a room by number. */
  byNum(num: number): Promise<Head | undefined> {
    const ready = this.#ready.get(num);
    if (ready !== undefined) return Promise.resolve(ready);
    return this.#loading.get(num) ?? this.#keep(num, this.#load([num]));
  }

  /** Loads the heads of many rooms with a few queries, up to the size of the cache. */
  async ensure(nums: readonly number[]): Promise<void> {
    const isAbsent = (num: number) => this.#ready.get(num) === undefined && !this.#loading.has(num);
    const absent = nums.filter(isAbsent).slice(0, HEADS_MAX / 2);
    await inSlices(absent, LOADED_AT_ONCE, async (some) => {
      // Concurrent calls may have loaded some of them.
      const wanted = some.filter(isAbsent);
      if (wanted.length === 0) return [];
      const all = this.#load(wanted);
      for (const num of wanted) void this.#keep(num, all);
      await all;
      return [];
    });
  }

  /** Loads state events of many rooms with a few queries, see {@link Head.ensure}. */
  async ensureState(places: readonly { readonly head: Head; readonly keys: readonly StateKeyPair[] }[]): Promise<void> {
    const absent = places.filter(({ head, keys }) =>
      keys.some(([type, stateKey]) => head.peek(type, stateKey) === NOT_LOADED),
    );
    if (absent.length === 0) return;
    await loadState(
      this.#stores,
      absent.map(({ head, keys }) => ({ root: head.root, keys })),
    );
  }

  #keep(num: number, all: Promise<ReadonlyMap<number, Head>>): Promise<Head | undefined> {
    const loading = all
      .then((heads) => {
        // A head that was stored during the query stays, so that a room has only one head.
        const head = this.#ready.get(num) ?? heads.get(num);
        if (head !== undefined) this.#ready.set(num, head);
        return head;
      })
      .finally(() => {
        if (this.#loading.get(num) === loading) this.#loading.delete(num);
      });
    this.#loading.set(num, loading);
    return loading;
  }

  /** Returns the head of a room if it is cached. */
  cached(num: number): Head | undefined {
    return this.#ready.get(num);
  }

  /** Returns the result of {@link find}, if it is cached. */
  known(roomId: string): Head | undefined {
    const num = this.#stores.names.cachedNum(roomId);
    return num === undefined ? undefined : this.#ready.get(num);
  }

  /** Creates and caches the head of a room without events. */
  create({ roomId, num, version, isPublished, isRemote = false }: NewRoom): Head {
    const row = {
      num,
      version: version.id,
      fence: 0,
      seq: isRemote ? REMOTE_SEQ : 0,
      lastEvent: 0,
      depth: 0,
      snapshot: 0,
      root: emptyState(),
      extremities: [],
      joined: 0,
      invited: 0,
      published: isPublished,
    };
    const head = new Head(roomId, version, { row, extremities: [], joined: [] }, this.#stores);
    this.#ready.set(num, head);
    return head;
  }

  /**
   * Removes a head whose events could not be stored. The next use loads it again. A head that was loaded since then
   * stays, because it does not contain the lost events.
   */
  drop(head: Head): void {
    head.abandon();
    const current = this.#ready.get(head.num);
    if (current !== undefined && current !== head) return;
    this.#ready.delete(head.num);
    this.#loading.delete(head.num);
  }

  async #load(nums: readonly number[]): Promise<ReadonlyMap<number, Head>> {
    const { rooms, names, events, memberships, timelines } = this.#stores;
    const rows = await rooms.load(nums);
    const ids = await names.texts(nums);
    const ends = await timelines.ends(nums, TAIL_LENGTH);
    const joined = await memberships.joined(nums);
    const extremities = await events.load(rows.flatMap((row) => row.extremities));
    const heads = new Map<number, Head>();
    for (const row of rows) {
      const version = roomVersion(row.version);
      if (version === undefined) throw new Error(`room ${row.num} has the unknown version ${row.version}`);
      const stored = {
        row,
        extremities: row.extremities.flatMap((num) => extremities.get(num) ?? []),
        joined: joined.get(row.num) ?? [],
        tail: tailOf(row, ends.get(row.num)),
      };
      heads.set(row.num, new Head(ids.get(row.num) ?? '', version, stored, this.#stores));
    }
    return heads;
  }
}

/** Returns the end of a timeline without gaps, because some events may have been deleted. */
function tailOf({ seq }: RoomRow, end: readonly EventPosition[] = []): number[] {
  const here = end.filter((place) => place.seq <= seq);
  const begin = here.findLastIndex((place, i) => place.seq !== seq - (here.length - 1 - i));
  return here.slice(begin + 1).map(({ num }) => num);
}
