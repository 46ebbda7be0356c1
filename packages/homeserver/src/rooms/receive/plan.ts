import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { toAuthEvent } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomRow } from '../../storage/rooms/room-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { type EarlyEvent, type EarlyEvents, mayRedact } from '../events/early-events.ts';
import { type DraftRelations, loadRelations } from '../events/relations.ts';
import { type GraphStates, snapshotBefore } from '../graph/graph-states.ts';
import { prevNumsOf } from '../graph/prev-nums.ts';
import { type StateChange, stateChanges } from '../graph/state-changes.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';
import { authStateIn, type Head } from '../head.ts';
import { remoteEvent } from './build-remote.ts';
import type { IncomingEvent } from './incoming.ts';
import type { Rules } from './rules.ts';

/** An event of another server whose place in the graph is known, and which the rules accept or reject there. */
export interface PlacedEvent {
  readonly incoming: IncomingEvent;
  /** The stored events that it follows. */
  readonly prev: readonly StoredEvent[];
  /** The ids of events that it follows and that this server does not have. */
  readonly missing: readonly string[];
  readonly auth: readonly StoredEvent[];
  /** The state before it according to the graph. */
  readonly before: BuiltState;
  readonly isRejected: boolean;
  /** Whether the policy server of the room refuses the event (server-server API, "Policy Servers"). */
  readonly isRefusedByPolicy?: boolean;
  /** The stored outlier that is the same event. */
  readonly outlier: StoredEvent | undefined;
  /**
   * Whether the event is the join by which this server comes into the room, or the first event of a peek into the room. It
   * replaces what this server knew of the room before.
   */
  readonly isFirst?: boolean;
  /** Whether the states of the room lack members, so that those among the auth events are believed. */
  readonly isStatePartial?: boolean;
  /** Whether stored events follow the event, although it was not recorded as missing. */
  readonly isFollowed?: boolean;
  /** The other servers in the room, if the event is such a join and `before` lacks members. */
  readonly partial?: { readonly servers: readonly string[] } | undefined;
}

/** The changes that an event would make, computed for one row of its room. */
export interface Plan {
  readonly seen: RoomRow;
  readonly isSoftFailed: boolean;
  /** Whether stored events follow the event, so that it is no forward extremity. */
  readonly isFollowed: boolean;
  /** The forward extremities that stay. */
  readonly extremities: readonly StoredEvent[];
  readonly changes: readonly StateChange[];
  readonly relations: DraftRelations;
  readonly redacted: StoredEvent | undefined;
  /** The events that arrived before the event to which they refer, which is this one. */
  readonly early: readonly EarlyEvent[];
  /** The id of the event that the event redacts or to which it is related, if this server does not have it. */
  readonly awaited: string | undefined;
  /** An existing snapshot with the state before the event. */
  readonly knownSnapshot: number | undefined;
  /** The invite that the join by which this server comes into the room accepts. */
  readonly invite: number | null;
}

/** The number of events that are examined in search of the forward extremities that an event follows. */
const FOLLOWED_MAX = 10_000;

interface PlanStores {
  readonly names: Names;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly graph: { readonly missingEvents: MissingEvents; readonly earlyEvents: EarlyEvents };
}

interface PlansParts {
  readonly stores: PlanStores;
  readonly graphStates: GraphStates;
  readonly resolution: StateResolution;
  readonly rules: Rules;
}

/** Computes what events of other servers would change, without changing anything. */
export class Plans {
  readonly #parts: PlansParts;

  constructor(parts: PlansParts) {
    this.#parts = parts;
  }

  /** Returns what an event would change. The plan holds as long as the head has the row `seen`. */
  async of(head: Head, placed: PlacedEvent): Promise<Plan> {
    const { stores, resolution, graphStates } = this.#parts;
    const { incoming, prev, before } = placed;
    const isFirst = placed.isFirst === true;
    const { type, state_key: stateKey } = incoming.pdu;
    if (stateKey !== undefined) await head.ensure([[type, stateKey]]);
    const seen = head.row;
    const provisional = this.#provisional(head, placed);
    const knownSnapshot = await this.#knownSnapshot(prev, before.root);
    const invite = isFirst ? await this.#memberBefore(provisional, before.root) : null;
    const common = { seen, knownSnapshot, invite, relations: {}, redacted: undefined, early: [], awaited: undefined };
    const isFollowed =
      placed.isFollowed === true ||
      (await stores.graph.missingEvents.isMissing(head.num, incoming.eventId)) ||
      (await this.#precedesEntry(head, incoming));
    const isSoftFailed =
      !placed.isRejected && !isFirst && (placed.isRefusedByPolicy === true || (await this.#isRefusedNow(head, placed)));
    if (placed.isRejected || isSoftFailed)
      return { ...common, isSoftFailed, isFollowed, extremities: head.extremities, changes: [] };
    const redacted = await this.#redactedBy(head, provisional);
    const { sender, content } = provisional;
    const draft = { type, sender, content, ...(redacted !== undefined && { redacts: redacted }) };
    const [relations = {}] = await loadRelations(stores, head.num, [draft]);
    const { earlyEvents } = stores.graph;
    const early = (await earlyEvents.of(head, [provisional])).get(provisional.eventId) ?? [];
    const awaited = relations.own === undefined ? await earlyEvents.awaitedBy(provisional) : undefined;
    const followed = await this.#followed(prev, head.version);
    const extremities = isFollowed ? head.extremities : head.extremities.filter(({ num }) => !followed.has(num));
    const more = { ...common, isSoftFailed, isFollowed, extremities, relations, redacted, early, awaited };
    const after = await graphStates.withEvent(before, provisional);
    if (isFirst) {
      const changes = await stateChanges(stores, seen.root, after.root, provisional);
      return { ...more, isFollowed: false, extremities: [], changes };
    }
    if (isFollowed) return { ...more, changes: [] };
    const others = await Promise.all(extremities.map((event) => graphStates.after(event)));
    const known = others.filter((state) => state !== undefined);
    // Most events of a branch leave the states at the ends of all branches as they are.
    const previous = await this.#rootsOf(head);
    const next = new Set([...known, after].map(({ root }) => root.hash));
    if (next.size === previous.size && [...next].every((hash) => previous.has(hash))) return { ...more, changes: [] };
    const isLinear = extremities.length === 0 && before.root.hash === seen.root.hash;
    const resolved = isLinear
      ? after
      : await resolution.resolve(head.version, [...known, after], provisional, placed.auth);
    return { ...more, changes: await stateChanges(stores, seen.root, resolved.root, provisional) };
  }

  /**
   * Returns whether an event is older than the join by which this server came into the room, while events before the join are
   * missing. Nobody can tell then whether the join follows it. If it were a forward extremity, the state would be resolved with
   * an old one. If the join does not follow it, its state counts as soon as an event of another server follows both.
   */
  async #precedesEntry({ num, row }: Head, { pdu }: IncomingEvent): Promise<boolean> {
    if (pdu.depth >= row.depth) return false;
    const depth = await this.#parts.stores.graph.missingEvents.entryDepth(num);
    return depth !== undefined && pdu.depth < depth;
  }

  /** Returns the number of the earlier member event of a user. */
  async #memberBefore({ typeNum, stateKeyNum }: StoredEvent, root: NodeRef): Promise<number | null> {
    if (stateKeyNum === null) return null;
    const key = { type: typeNum, stateKey: stateKeyNum };
    const [[num] = []] = await this.#parts.stores.states.lookupMany([root], [key]);
    return num ?? null;
  }

  /**
   * Returns the numbers of the events that an event follows, directly or through events outside of the timeline:
   * rejected and soft-failed events are no forward extremities, but those before them are until an accepted event follows.
   */
  async #followed(prev: readonly StoredEvent[], version: RoomVersion): Promise<Set<number>> {
    const { events } = this.#parts.stores;
    const followed = new Set(prev.map(({ num }) => num));
    let outside = prev.filter(({ standing }) => standing !== STANDING.accepted);
    while (outside.length > 0 && followed.size < FOLLOWED_MAX) {
      const nums = outside.map(({ num }) => num);
      const followedByThem = [...(await prevNumsOf(events, nums, version)).values()].flat();
      const before = new Set(followedByThem.filter((num) => !followed.has(num)));
      for (const num of before) followed.add(num);
      const loaded = await events.load(before);
      outside = [...loaded.values()].filter(({ standing }) => standing !== STANDING.accepted);
    }
    return followed;
  }

  async #rootsOf(head: Head): Promise<Set<string>> {
    const states = await Promise.all(head.extremities.map((event) => this.#parts.graphStates.after(event)));
    return new Set(states.flatMap((state) => state?.root.hash ?? []));
  }

  /** Returns the event with the number 0, which stands for the number that it gets when it is accepted. */
  #provisional(head: Head, { incoming }: PlacedEvent): StoredEvent {
    const fields = { seq: null, standing: STANDING.accepted, snapshot: 0, graphSnapshot: null, after: null };
    return remoteEvent(this.#parts.stores.names, head.version, incoming, {
      ...fields,
      num: 0,
      room: head.num,
      replaces: null,
    });
  }

  /** Returns whether the current state refuses the event (server-server API, "Soft failure"). */
  async #isRefusedNow(head: Head, { incoming, before, isStatePartial }: PlacedEvent): Promise<boolean> {
    const { version } = head;
    const event = toAuthEvent(incoming.pdu, incoming.eventId, version);
    if (isStatePartial === true) {
      // The state before the event may have members that the current state lacks.
      const { resolution, rules } = this.#parts;
      const now = await resolution.resolve(version, [{ root: head.root, created: [] }, before]);
      return (await rules.refusalIn(head, event, now)) !== undefined;
    }
    await head.ensure([['m.room.create', ''] as const, ...authEventKeys(event, version)]);
    return authorise(event, authStateIn(head), version) !== undefined;
  }

  /** Returns the target of a redaction that takes effect (rooms/v3, "Handling redactions"). */
  async #redactedBy(head: Head, event: StoredEvent): Promise<StoredEvent | undefined> {
    const { redacts } = event;
    if (redacts === undefined) return undefined;
    const target = await this.#parts.stores.events.byId(redacts);
    if (target === undefined || target.room !== head.num) return undefined;
    return (await mayRedact(head, event, target)) ? target : undefined;
  }

  /** Returns a snapshot of one of the events before the event, if its state is the state before the event. */
  async #knownSnapshot(prev: readonly StoredEvent[], root: NodeRef): Promise<number | undefined> {
    const nums = prev.map((event) => {
      if (event.isState && event.graphSnapshot === null && event.after === null) return event.num;
      return snapshotBefore(event);
    });
    for (const [num, found] of await this.#parts.stores.states.snapshots(nums))
      if (found.hash === root.hash) return num;
    return undefined;
  }
}
