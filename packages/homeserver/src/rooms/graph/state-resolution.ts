import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import type { AuthEvent } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { resolveConflicts, type SplitStates, splitStateMapKey, stateMapKey } from '@hearth/protocol/state/resolve.ts';
import { NOT_LOADED } from '../../platform/lookups/source.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateKeyNums } from '../../storage/state/state-store.ts';
import {
  difference,
  entries,
  lookup,
  type NewNode,
  nodesOf,
  withEntry,
  withoutEntry,
} from '../../storage/state/state-tree.ts';
import type { StateKeyPair } from '../head.ts';
import { type ResolutionSource, withProvisional } from './resolution-source.ts';

/** A state, with those of its nodes that may not be stored yet. */
export interface BuiltState {
  readonly root: NodeRef;
  readonly created: readonly NewNode[];
}

/** The keys in which states differ, with the event of each state; `undefined` where a state has none. */
interface Conflict {
  readonly key: StateKeyNums;
  readonly events: readonly (StoredEvent | undefined)[];
}

type Measure = <T>(task: () => Promise<T>) => Promise<T>;

/**
 * Resolves states that are trees (rooms/v1, v2 and v12, "State resolution"). The trees are compared, so that the time
 * depends on their difference; only conflicting events and their auth chains are loaded.
 */
export class StateResolution {
  readonly #parts: ResolutionSource;
  readonly #measure: Measure;

  /** @param measure runs a resolution and measures its time */
  constructor(parts: ResolutionSource, measure: Measure = (task) => task()) {
    this.#parts = parts;
    this.#measure = measure;
  }

  /**
   * Returns the one state that results from several. There must be at least one.
   * @param provisional an event that is not stored yet, with the number 0
   * @param auth its auth events
   */
  async resolve(
    version: RoomVersion,
    states: readonly BuiltState[],
    provisional?: StoredEvent,
    auth: readonly StoredEvent[] = [],
  ): Promise<BuiltState> {
    const [first, ...others] = states;
    if (first !== undefined && others.every(({ root }) => root.hash === first.root.hash)) return first;
    const source =
      provisional === undefined
        ? this.#parts
        : withProvisional(
            this.#parts,
            provisional,
            auth.map(({ num }) => num),
          );
    return this.#measure(() => new Resolving(source).resolve(version, states));
  }
}

/** One resolution. */
class Resolving {
  readonly #parts: ResolutionSource;

  constructor(parts: ResolutionSource) {
    this.#parts = parts;
  }

  async resolve(version: RoomVersion, states: readonly BuiltState[]): Promise<BuiltState> {
    const distinct = [...new Map(states.map((state) => [state.root.hash, state])).values()];
    const [first, ...others] = distinct;
    if (first === undefined) throw new Error('there is no state to resolve');
    if (others.length === 0) return first;
    const conflicts = await this.#conflicts(distinct.map(({ root }) => root));
    const resolved = await this.#resolveConflicts(version, first.root, conflicts);
    return this.#withEntries(first, resolved);
  }

  /** Returns the keys in which states differ. States with different rows of the same event do not differ. */
  async #conflicts(roots: readonly NodeRef[]): Promise<Conflict[]> {
    const { states, events } = this.#parts;
    const [first, ...others] = roots;
    if (first === undefined) return [];
    const keys = new Map<string, StateKeyNums>();
    for (const other of others) {
      await states.loadDifference(first, other);
      for (const { type, stateKey } of [...difference(first, other), ...difference(other, first)])
        keys.set(`${type}/${stateKey}`, { type, stateKey });
    }
    const list = [...keys.values()];
    const found = await states.lookupMany(roots, list);
    const loaded = await events.load(found.flat().filter((num) => num !== undefined));
    return list.flatMap((key, i) => {
      const ofStates = found.map((nums) => {
        const num = nums[i];
        return num === undefined ? undefined : loaded.get(num);
      });
      const ids = new Set(ofStates.map((event) => event?.eventId));
      return ids.size === 1 ? [] : [{ key, events: ofStates }];
    });
  }

  /** Returns the event of each conflicting key; `undefined` for a key that the resolved state does not have. */
  async #resolveConflicts(
    version: RoomVersion,
    root: NodeRef,
    conflicts: readonly Conflict[],
  ): Promise<Map<StateKeyNums, StoredEvent | undefined>> {
    const { authChains } = this.#parts;
    const all = conflicts.flatMap(({ events }) => events.filter((event) => event !== undefined));
    const byId = new Map(all.map((event) => [event.eventId, event]));
    const conflictingKeys = new Set(all.map((event) => stateMapKey(event.type, event.stateKey ?? '')));
    const count = conflicts[0]?.events.length ?? 0;
    const conflicted = Array.from({ length: count }, (_, state) => {
      const map = new Map<string, string>();
      for (const { events } of conflicts) {
        const event = events[state];
        if (event !== undefined) map.set(stateMapKey(event.type, event.stateKey ?? ''), event.eventId);
      }
      return map;
    });
    const known = await authChains.load(
      byId.values().map(({ num }) => num),
      version,
    );
    const authDifference = await this.#authDifference(root, conflicts, known);
    const settled = await this.#settled(version, root, known, conflictingKeys);
    for (const [eventId, form] of await authChains.load(
      settled.values().map(({ num }) => num),
      version,
    ))
      known.set(eventId, form);
    const split: SplitStates = {
      unconflicted: { get: (key) => settled.get(key)?.eventId, values: () => [] },
      conflicted,
    };
    const resolved = resolveConflicts(version, split, (eventId) => known.get(eventId), { authDifference });
    // Events of the auth difference may win as well: they replaced each other in the branches.
    const more = [...resolved.values()].filter((eventId) => !byId.has(eventId));
    for (const event of await this.#byIds(more)) byId.set(event.eventId, event);
    return new Map(this.#outcomes(conflicts, resolved, byId));
  }

  *#outcomes(
    conflicts: readonly Conflict[],
    resolved: ReadonlyMap<string, string>,
    byId: ReadonlyMap<string, StoredEvent>,
  ): Generator<[StateKeyNums, StoredEvent | undefined]> {
    const left = new Map(resolved);
    for (const { key, events } of conflicts) {
      const event = events.find((one) => one !== undefined);
      const mapKey = event === undefined ? '' : stateMapKey(event.type, event.stateKey ?? '');
      yield [key, byId.get(resolved.get(mapKey) ?? '')];
      left.delete(mapKey);
    }
    for (const eventId of left.values()) {
      const event = byId.get(eventId);
      if (event?.stateKeyNum != null) yield [{ type: event.typeNum, stateKey: event.stateKeyNum }, event];
    }
  }

  async #byIds(eventIds: readonly string[]): Promise<StoredEvent[]> {
    if (eventIds.length === 0) return [];
    const nums = await this.#parts.events.numsOf(eventIds);
    return this.#parts.events.list([...nums.values()]);
  }

  /**
   * Returns the events in the auth chain of some but not of all states (rooms/v2, "State resolution", definitions).
   * Events are compared by id, because an event that was received again has several rows.
   */
  async #authDifference(
    root: NodeRef,
    conflicts: readonly Conflict[],
    known: ReadonlyMap<string, AuthEvent>,
  ): Promise<Set<string>> {
    const { authChains, events } = this.#parts;
    const count = conflicts[0]?.events.length ?? 0;
    const chains: ReadonlySet<string>[] = [];
    for (let state = 0; state < count; state += 1) {
      const starts = conflicts.flatMap((conflict) => conflict.events[state]?.num ?? []);
      const chain = await events.load(new Set([...starts, ...(await authChains.chain(starts))]));
      chains.push(new Set(chain.values().map(({ eventId }) => eventId)));
    }
    const difference = new Set<string>();
    for (const chain of chains)
      for (const id of chain) if (known.has(id) && !chains.every((other) => other.has(id))) difference.add(id);
    for (const { events: conflicting } of conflicts)
      for (const event of conflicting) if (event !== undefined) difference.delete(event.eventId);
    if (difference.size > 0) await this.#removeUnconflicted(difference, root, conflicts);
    return difference;
  }

  /** Removes the events that are in the chains of unconflicted events, and so in the chains of all states. */
  async #removeUnconflicted(difference: Set<string>, root: NodeRef, conflicts: readonly Conflict[]): Promise<void> {
    const { authChains, states, events } = this.#parts;
    await states.loadAll([root]);
    const conflicting = new Set(conflicts.flatMap((conflict) => conflict.events.map((event) => event?.num)));
    const unconflicted = entries(root).flatMap(({ event }) => (conflicting.has(event) ? [] : [event]));
    const shared = await authChains.chain(unconflicted);
    for (const num of unconflicted) shared.add(num);
    for (const [id, rows] of await events.rowsOf([...difference]))
      if (rows.some((num) => shared.has(num))) difference.delete(id);
  }

  /** Returns the unconflicted state events that authorise any of the known events. */
  async #settled(
    version: RoomVersion,
    root: NodeRef,
    known: ReadonlyMap<string, AuthEvent>,
    conflictingKeys: ReadonlySet<string>,
  ): Promise<Map<string, StoredEvent>> {
    const wanted = new Map<string, StateKeyPair>();
    const add = (pair: StateKeyPair) => {
      const key = stateMapKey(...pair);
      if (!conflictingKeys.has(key)) wanted.set(key, pair);
    };
    add(['m.room.create', '']);
    for (const event of known.values()) {
      for (const pair of authEventKeys(event, version)) add(pair);
      // The unconflicted state takes precedence over events of the auth difference with the same key.
      if (event.stateKey !== undefined) add([event.type, event.stateKey]);
    }
    const found = new Map<string, StoredEvent>();
    for (const [key, event] of await this.#lookupPairs(root, [...wanted.keys()])) found.set(key, event);
    return found;
  }

  async #lookupPairs(root: NodeRef, keys: readonly string[]): Promise<Map<string, StoredEvent>> {
    const { names, states, events } = this.#parts;
    const pairs = keys.map((key) => splitStateMapKey(key));
    const nums = await names.findAll(pairs.flat());
    const places = pairs.map(([type, stateKey]) => ({ type: nums.get(type) ?? 0, stateKey: nums.get(stateKey) ?? 0 }));
    const [found = []] = await states.lookupMany([root], places);
    const loaded = await events.load(found.filter((num) => num !== undefined));
    const result = new Map<string, StoredEvent>();
    for (const [i, key] of keys.entries()) {
      const event = loaded.get(found[i] ?? 0);
      if (event !== undefined) result.set(key, event);
    }
    return result;
  }

  /** Returns a state with some keys set or removed. */
  async #withEntries(
    { root: before, created: earlier }: BuiltState,
    changed: ReadonlyMap<StateKeyNums, StoredEvent | undefined>,
  ): Promise<BuiltState> {
    const { states } = this.#parts;
    await states.loadKeys([before], [...changed.keys()]);
    const created: NewNode[] = [...earlier];
    let root = before;
    for (const [{ type, stateKey }, event] of changed) {
      const current = lookup(root, type, stateKey);
      if (current === NOT_LOADED) throw new Error('a state node vanished while a state was resolved');
      if (current === event?.num) continue;
      root =
        event === undefined
          ? withoutEntry(root, { type, stateKey }, created)
          : withEntry(root, { type, stateKey, event: event.num }, created);
    }
    return { root, created: nodesOf(root, created) };
  }
}
