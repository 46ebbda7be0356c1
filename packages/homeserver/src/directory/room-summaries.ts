import { asObject, asString, asStringArray, isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { BatchCache } from '../platform/caches/batch-cache.ts';
import { cacheBytes, textBytes } from '../platform/caches/cache-size.ts';
import { inSlices } from '../platform/concurrency/in-slices.ts';
import { loadedSingly, NOT_LOADED, type Source } from '../platform/lookups/source.ts';
import type { Names } from '../storage/engine/names.ts';
import type { Stream } from '../storage/engine/stream.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import { eventsOf } from '../storage/rooms/events/events-of.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { RoomRow, RoomStore } from '../storage/rooms/room-store.ts';
import type { StateStore } from '../storage/state/state-store.ts';
import { entries } from '../storage/state/state-tree.ts';
import { bySpaceOrder } from './space-order.ts';

interface SummaryParts {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly stream: Stream;
}

/** A room as users outside see it. */
export interface RoomSummary {
  readonly row: RoomRow;
  readonly roomId: string;
  /** The rooms whose members may join a restricted room. */
  readonly allowedRooms: readonly string[];
  readonly joinRule: string;
  readonly isWorldReadable: boolean;
  readonly roomType: string | undefined;
  readonly isEncrypted: boolean;
  readonly name: string | undefined;
  /** The public room entry (client-server API, "PublishedRoomsChunk"). */
  readonly entry: JsonObject;
  /** The members that `/room_summary` and `/hierarchy` add to the entry. */
  readonly more: JsonObject;
}

const TYPES = [
  'm.room.create',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.guest_access',
  'm.room.encryption',
] as const;
type Contents = Partial<Record<(typeof TYPES)[number], JsonObject>>;

/** A cached value for a number, which need not belong to a room. */
interface Entry {
  readonly summary: RoomSummary | undefined;
  /** The events of a space's children, in order; loaded on first use. */
  children?: readonly number[];
}

const ROOMS_MAX = 20_000;
/** The number of rooms that are loaded before the function yields to the event loop. */
const LOADED_AT_ONCE = 200;

/** A cache of room summaries. A summary is evicted when the room's state changes. */
export class RoomSummaries {
  readonly #parts: SummaryParts;
  readonly #entries: BatchCache<Entry>;

  constructor(parts: SummaryParts) {
    this.#parts = parts;
    this.#entries = new BatchCache(
      ROOMS_MAX,
      { bytesMax: cacheBytes(32), bytesOf: entryBytes },
      async (rooms) => new Map(await inSlices(rooms, LOADED_AT_ONCE, (some) => this.#load(some))),
    );
    parts.stream.listen((changes) => {
      for (const change of changes) {
        const isEvent = change.kind === 'event' && mayChangeState(parts.events.cached(change.event));
        if (isEvent || change.kind === 'whole-state') this.#entries.delete(change.room);
      }
    });
  }

  /** The summaries of rooms; `undefined` for an unknown room. */
  readonly source: Source<number, RoomSummary | undefined> = {
    peek: (room) => {
      const entry = this.#entries.peek(room);
      return entry === undefined ? NOT_LOADED : entry.summary;
    },
    load: async (rooms) => {
      const found = await this.many(rooms);
      return (room) => found.get(room);
    },
  };

  /** The numbers of the children of spaces. */
  readonly childrenSource: Source<number, ReadonlySet<number>> = loadedSingly(
    () => NOT_LOADED,
    (space) => this.childrenOf([space]),
  );

  /** Returns the summary of a room; `undefined` for an unknown room. */
  async one(room: number): Promise<RoomSummary | undefined> {
    return (await this.#entries.one(room)).summary;
  }

  /** Returns the summaries of the existing rooms, with a few queries for all that are not cached. */
  async many(rooms: Iterable<number>): Promise<ReadonlyMap<number, RoomSummary>> {
    const found = new Map<number, RoomSummary>();
    for (const [room, { summary }] of await this.#entries.many(rooms))
      if (summary !== undefined) found.set(room, summary);
    return found;
  }

  /** Returns the events of a space's valid children, in order (client-server API, "m.space.child"). */
  async children(space: number): Promise<StoredEvent[]> {
    const entry = await this.#entries.one(space);
    await this.#readChildren([entry]);
    return this.#parts.events.list(entry.children ?? []);
  }

  /** Returns the numbers of the children of several spaces. */
  async childrenOf(spaces: readonly number[]): Promise<ReadonlySet<number>> {
    const all = [...(await this.#entries.many(spaces)).values()];
    await this.#readChildren(all);
    const events = await this.#parts.events.list(all.flatMap(({ children = [] }) => children));
    return new Set(events.flatMap(({ stateKeyNum }) => stateKeyNum ?? []));
  }

  /** Loads the children of spaces where they are not loaded yet. */
  async #readChildren(all: readonly Entry[]): Promise<void> {
    const { names, states, events } = this.#parts;
    const fresh = all.filter(({ children }) => children === undefined);
    if (fresh.length === 0) return;
    const type = await names.num('m.space.child');
    await states.loadAll(fresh.flatMap(({ summary }) => summary?.row.root ?? []));
    const nums = fresh.map(({ summary }) =>
      summary === undefined ? [] : entries(summary.row.root).flatMap((each) => (each.type === type ? each.event : [])),
    );
    const loaded = await events.load(nums.flat());
    for (const [i, entry] of fresh.entries()) {
      const valid = eventsOf(nums[i] ?? [], loaded).filter(isValidChild);
      entry.children = valid.sort(bySpaceOrder).map(({ num }) => num);
    }
  }

  async #load(rooms: readonly number[]): Promise<[number, Entry][]> {
    const { names, events, states, rooms: store } = this.#parts;
    const rows = await store.load(rooms);
    const nums = await names.nums([...TYPES, '']);
    const keys = TYPES.map((type) => ({ type: nums.get(type) ?? 0, stateKey: nums.get('') ?? 0 }));
    const found = await states.lookupMany(
      rows.map(({ root }) => root),
      keys,
    );
    const loaded = await events.load(new Set(found.flat().filter((num) => num !== undefined)));
    const ids = await names.texts(rows.map(({ num }) => num));
    const all = new Map<number, Entry>(rooms.map((room) => [room, { summary: undefined }]));
    for (const [i, row] of rows.entries())
      all.set(row.num, { summary: summary(row, ids.get(row.num) ?? '', contentsOf(found[i] ?? [], loaded)) });
    return [...all];
  }
}

/** Returns whether a child is valid: it names servers through which it can be joined. */
function isValidChild({ content }: StoredEvent): boolean {
  return (asStringArray(content.via)?.length ?? 0) > 0;
}

/**
 * Returns whether an event may change the state: state events and redactions. An event that is not cached may be one.
 */
function mayChangeState(event: StoredEvent | undefined): boolean {
  return event === undefined || event.isState || event.type === 'm.room.redaction';
}

function contentsOf(nums: readonly (number | undefined)[], events: ReadonlyMap<number, StoredEvent>): Contents {
  const contents: Contents = {};
  for (const [i, type] of TYPES.entries()) {
    const num = nums[i];
    const event = num === undefined ? undefined : events.get(num);
    if (event !== undefined) contents[type] = event.content;
  }
  return contents;
}

function summary(row: RoomRow, roomId: string, contents: Contents): RoomSummary {
  const text = (type: keyof Contents, member: string) => asString(contents[type]?.[member]) || undefined;
  const joinRule = text('m.room.join_rules', 'join_rule') ?? 'invite';
  const isWorldReadable = text('m.room.history_visibility', 'history_visibility') === 'world_readable';
  const roomType = text('m.room.create', 'type');
  const name = text('m.room.name', 'name');
  const isEncrypted = contents['m.room.encryption'] !== undefined;
  const allowedRooms = allowedBy(contents['m.room.join_rules']);
  const entry: JsonObject = {
    room_id: roomId,
    name,
    topic: text('m.room.topic', 'topic'),
    avatar_url: text('m.room.avatar', 'url'),
    canonical_alias: text('m.room.canonical_alias', 'alias'),
    num_joined_members: row.joined,
    world_readable: isWorldReadable,
    guest_can_join: text('m.room.guest_access', 'guest_access') === 'can_join',
    join_rule: joinRule,
    room_type: roomType,
  };
  const more: JsonObject = {
    room_version: row.version,
    encryption: text('m.room.encryption', 'algorithm'),
    ...(joinRule.endsWith('restricted') ? { allowed_room_ids: [...allowedRooms] } : {}),
  };
  return { row, roomId, allowedRooms, joinRule, isWorldReadable, roomType, isEncrypted, name, entry, more };
}

/** Returns the rooms in a restricted join rule (rooms/v8, "Restricted rooms"). */
function allowedBy(rules: JsonObject | undefined): string[] {
  if (!Array.isArray(rules?.allow)) return [];
  return rules.allow.filter(isObject).flatMap((allow) => {
    const roomId = asString(asObject(allow)?.room_id);
    return allow.type === 'm.room_membership' && roomId !== undefined ? [roomId] : [];
  });
}

/** Estimates the memory of an entry. The texts of a summary come from state events, which may be long. */
function entryBytes({ summary, children = [] }: Entry): number {
  const texts =
    summary === undefined ? 0 : textBytes(JSON.stringify([summary.entry, summary.more, summary.allowedRooms]));
  return 500 + 2 * texts + 8 * children.length;
}
