import { LruMap } from '../../platform/lru.ts';
import type { EventStore } from '../../storage/event-store.ts';
import type { Names } from '../../storage/names.ts';
import type { RoomStore } from '../../storage/room-store.ts';
import type { StateStore } from '../../storage/state-store.ts';
import { entries } from '../../storage/state-tree.ts';
import type { Stream } from '../../storage/stream.ts';

/** What lists can be filtered by that stands in the room's state. */
export interface RoomFacts {
  /** The `type` of the create event. */
  readonly type: string | undefined;
  readonly isEncrypted: boolean;
  readonly name: string | undefined;
}

export interface RoomFactsParts {
  readonly names: Names;
  readonly events: EventStore;
  readonly rooms: RoomStore;
  readonly states: StateStore;
  readonly stream: Stream;
}

const ROOMS_MAX = 50_000;

/** Facts about rooms, in memory until the room's state changes. */
export class RoomFactsCache {
  readonly #parts: RoomFactsParts;
  readonly #facts = new LruMap<number, RoomFacts>(ROOMS_MAX);

  constructor(parts: RoomFactsParts) {
    this.#parts = parts;
    parts.stream.listen((changes) => {
      for (const change of changes) {
        if (change.kind === 'event' && parts.events.cached(change.event)?.isState !== false) {
          this.#facts.delete(change.room);
        }
      }
    });
  }

  /** The facts about many rooms, with a few queries for all that are not in memory. */
  async of(rooms: readonly number[]): Promise<ReadonlyMap<number, RoomFacts>> {
    const found = new Map<number, RoomFacts>();
    const missing: number[] = [];
    for (const room of rooms) {
      const facts = this.#facts.get(room);
      if (facts === undefined) missing.push(room);
      else found.set(room, facts);
    }
    if (missing.length === 0) return found;
    for (const [room, facts] of await this.#load(missing)) found.set(room, facts);
    return found;
  }

  /** The rooms that these spaces name as their children. */
  async childrenOf(spaces: readonly number[]): Promise<ReadonlySet<number>> {
    const { names, events, rooms, states } = this.#parts;
    const child = await names.find('m.space.child');
    const roots = (await rooms.load(spaces)).map(({ root }) => root);
    await states.loadAll(roots);
    const nums = roots.flatMap((root) => entries(root).flatMap(({ type, event }) => (type === child ? event : [])));
    const children = new Set<number>();
    for (const { content, stateKeyNum } of (await events.load(nums)).values()) {
      // A child without servers by which it could be joined is none (client-server API, "m.space.child").
      if (Array.isArray(content.via) && stateKeyNum !== null) children.add(stateKeyNum);
    }
    return children;
  }

  async #load(nums: readonly number[]): Promise<ReadonlyMap<number, RoomFacts>> {
    const { names, events, rooms, states, stream } = this.#parts;
    const before = stream.current;
    const types = ['m.room.create', 'm.room.encryption', 'm.room.name'];
    const known = await names.nums([...types, '']);
    const keys = types.map((type) => ({ type: known.get(type) ?? 0, stateKey: known.get('') ?? 0 }));
    const rows = await rooms.load(nums);
    const found = await states.lookupMany(
      rows.map(({ root }) => root),
      keys,
    );
    const loaded = await events.load(found.flat().filter((num) => num !== undefined));
    const facts = new Map<number, RoomFacts>();
    for (const [i, { num }] of rows.entries()) {
      const [create, encryption, name] = (found[i] ?? []).map((event) => loaded.get(event ?? -1)?.content);
      facts.set(num, { type: text(create?.type), isEncrypted: encryption !== undefined, name: text(name?.name) });
    }
    // What happened while the queries ran may have changed them: then they are good for this request only.
    if (stream.current === before) for (const [room, fact] of facts) this.#facts.set(room, fact);
    return facts;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
