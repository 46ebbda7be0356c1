import { authEventKeys } from '@hearth/protocol/auth/auth-events.ts';
import { authorise } from '@hearth/protocol/auth/authorise.ts';
import { toAuthEvent as pduAuthEvent } from '@hearth/protocol/events/event.ts';
import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import type { Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EarlyRedactions } from '../../storage/rooms/events/early-redactions.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import { STANDING, type Standing, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import type { RoomRow, RoomStore } from '../../storage/rooms/room-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import { type NewNode, withEntry, withoutEntry } from '../../storage/state/state-tree.ts';
import type { Acceptor } from '../accept.ts';
import type { Decided } from '../events/decide.ts';
import { type EventEffects, membershipOf, noEffects } from '../events/effects.ts';
import { type DraftRelations, loadRelations } from '../events/relations.ts';
import type { GraphStates } from '../graph/graph-states.ts';
import { type StateChange, stateChanges } from '../graph/state-changes.ts';
import type { BuiltState, StateResolution } from '../graph/state-resolution.ts';
import { type Head, toAuthEvent } from '../head.ts';
import { powersIn } from '../powers.ts';
import { namesIn, proofOf, type RemoteFields, remoteEvent } from './build-remote.ts';
import type { IncomingEvent } from './incoming.ts';

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
  /** The stored outlier that is the same event. */
  readonly outlier: StoredEvent | undefined;
  /**
   * Whether the event is the join by which this server comes into the room. It replaces what this server knew of the
   * room before.
   */
  readonly isFirst?: boolean;
}

export interface AppenderStores {
  readonly names: Names;
  readonly stream: Stream;
  readonly events: EventStore;
  readonly states: StateStore;
  readonly rooms: RoomStore;
  readonly graph: GraphStores;
}

/** The stores that only events of other servers change. */
interface GraphStores {
  readonly missingEvents: MissingEvents;
  readonly earlyRedactions: EarlyRedactions;
  readonly roomServers: RoomServers;
}

export interface AppenderParts {
  readonly stores: AppenderStores;
  readonly acceptor: Acceptor;
  readonly effects: EventEffects;
  readonly graphStates: GraphStates;
  readonly resolution: StateResolution;
  readonly serverName: string;
}

/** What an event would change, computed for one row of its room. */
interface Plan {
  readonly seen: RoomRow;
  readonly isSoftFailed: boolean;
  /** Whether stored events follow the event, so that it is no forward extremity. */
  readonly isFollowed: boolean;
  /** The forward extremities that stay. */
  readonly extremities: readonly StoredEvent[];
  readonly changes: readonly StateChange[];
  readonly relations: DraftRelations;
  readonly redacted: StoredEvent | undefined;
  readonly earlyRedactions: readonly StoredEvent[];
  /** An existing snapshot with the state before the event. */
  readonly knownSnapshot: number | undefined;
  /** The invite that the join by which this server comes into the room accepts. */
  readonly invite: number | null;
}

/** The sequence numbers that a gap in a timeline leaves for the missing events, which may be fetched later. */
const GAP_SEQS = 2 ** 20;

/** Appends events of other servers to the timelines of their rooms. */
export class RemoteAppender {
  readonly #parts: AppenderParts;

  constructor(parts: AppenderParts) {
    this.#parts = parts;
  }

  /**
   * Stores an event: in the timeline if the rules accept it, outside otherwise. Resolves when it is on disk. The changes
   * of the room's state are computed again when another event is accepted meanwhile.
   */
  async append(head: Head, placed: PlacedEvent): Promise<StoredEvent> {
    const { names } = this.#parts.stores;
    await names.reserveAll(namesIn(placed.incoming));
    for (;;) {
      const plan = await this.#plan(head, placed);
      if (head.isAbandoned) throw new Error('the head of the room was abandoned');
      if (head.row !== plan.seen) continue;
      if (placed.isRejected || plan.isSoftFailed) return this.#storeOutside(head, placed, plan);
      const decided = this.#decide(head, placed, plan);
      const pending = this.#parts.acceptor.commit([decided]);
      head.pending = pending;
      await pending;
      const [event] = decided.events;
      if (event === undefined) throw new Error('an accepted event is missing');
      return event;
    }
  }

  async #plan(head: Head, placed: PlacedEvent): Promise<Plan> {
    const { stores, resolution, graphStates } = this.#parts;
    const { incoming, prev, before } = placed;
    const { type, state_key: stateKey } = incoming.pdu;
    if (stateKey !== undefined) await head.ensure([[type, stateKey]]);
    const seen = head.row;
    const provisional = this.#provisional(head, placed);
    const knownSnapshot = await this.#knownSnapshot(prev, before.root);
    const invite = placed.isFirst === true ? await this.#memberBefore(provisional, before.root) : null;
    const common = { seen, knownSnapshot, invite, relations: {}, redacted: undefined, earlyRedactions: [] };
    const isFollowed = await stores.graph.missingEvents.isMissing(head.num, incoming.eventId);
    const isFirst = placed.isFirst === true;
    const isSoftFailed = !placed.isRejected && !isFirst && (await this.#isRefusedNow(head, incoming));
    if (placed.isRejected || isSoftFailed)
      return { ...common, isSoftFailed, isFollowed, extremities: head.extremities, changes: [] };
    const redacted = await this.#redactedBy(head, provisional);
    const [relations = {}] = await loadRelations(stores, head.num, [
      { ...provisional, content: provisional.content, ...(redacted && { redacts: redacted }) } as never,
    ]);
    const earlyRedactions = await this.#earlyRedactions(head, provisional);
    const following = new Set(prev.map(({ num }) => num));
    const extremities = isFollowed ? head.extremities : head.extremities.filter(({ num }) => !following.has(num));
    const more = { ...common, isSoftFailed, isFollowed, extremities, relations, redacted, earlyRedactions };
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

  /** Returns the number of the earlier member event of a user. */
  async #memberBefore({ typeNum, stateKeyNum }: StoredEvent, root: NodeRef): Promise<number | null> {
    if (stateKeyNum === null) return null;
    const key = { type: typeNum, stateKey: stateKeyNum };
    const [[num] = []] = await this.#parts.stores.states.lookupMany([root], [key]);
    return num ?? null;
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
  async #isRefusedNow(head: Head, { pdu, eventId }: IncomingEvent): Promise<boolean> {
    const event = pduAuthEvent(pdu, eventId, head.version);
    const keys = [['m.room.create', ''] as const, ...authEventKeys(event, head.version)];
    await head.ensure(keys);
    const current = (type: string, stateKey: string) => {
      const found = head.known(type, stateKey);
      return found === undefined ? undefined : toAuthEvent(found);
    };
    return authorise(event, current, head.version) !== undefined;
  }

  /** Returns the target of a redaction that takes effect (rooms/v3, "Handling redactions"). */
  async #redactedBy(head: Head, event: StoredEvent): Promise<StoredEvent | undefined> {
    const { redacts } = event;
    if (redacts === undefined) return undefined;
    const target = await this.#parts.stores.events.byId(redacts);
    if (target === undefined || target.room !== head.num) return undefined;
    return (await mayRedact(head, event, target)) ? target : undefined;
  }

  async #earlyRedactions(head: Head, event: StoredEvent): Promise<StoredEvent[]> {
    const { graph, events } = this.#parts.stores;
    const redactions = await events.list(await graph.earlyRedactions.of(event.eventId));
    const effective = await Promise.all(
      redactions.map(async (redaction) => redaction.room === head.num && (await mayRedact(head, redaction, event))),
    );
    return redactions.filter((_, i) => effective[i]);
  }

  /** Returns a snapshot of one of the events before the event, if its state is the state before the event. */
  async #knownSnapshot(prev: readonly StoredEvent[], root: NodeRef): Promise<number | undefined> {
    const nums = prev.map((event) => {
      if (event.isState && event.graphSnapshot === null && event.after === null) return event.num;
      return event.graphSnapshot ?? event.snapshot;
    });
    for (const [num, found] of await this.#parts.stores.states.snapshots(nums))
      if (found.hash === root.hash) return num;
    return undefined;
  }

  /** Advances the head to the event. There is no `await` since the check that the plan is for its row. */
  #decide(head: Head, placed: PlacedEvent, plan: Plan): Decided {
    const { stores, effects: eventEffects } = this.#parts;
    const { names, stream, events: store, rooms, states } = stores;
    const before = { row: head.row, extremities: head.extremities };
    const { row } = before;
    const isFirst = placed.isFirst === true;
    const writes: Write[] = [];
    const graphSnapshot =
      placed.before.root.hash === row.root.hash ? null : this.#graphSnapshot(head, placed, plan, writes);
    const num = stream.next();
    const created: NewNode[] = [];
    const root = withChanges(row.root, plan.changes, num, created);
    const isChanged = root.hash !== row.root.hash;
    const { incoming } = placed;
    const hasGap = placed.missing.length > 0 && row.lastEvent !== 0;
    const seq = row.seq + (hasGap ? GAP_SEQS : 1);
    const { type, state_key: stateKey } = incoming.pdu;
    const isState = stateKey !== undefined;
    const replaced = isState ? head.known(type, stateKey) : undefined;
    const event = remoteEvent(names, head.version, incoming, {
      num,
      room: head.num,
      seq,
      standing: STANDING.accepted,
      snapshot: isFirst ? (graphSnapshot ?? row.snapshot) : row.snapshot,
      graphSnapshot: isFirst ? null : graphSnapshot,
      after: isChanged ? (isState ? null : num) : isState ? row.snapshot : null,
      replaces: isFirst ? plan.invite : (replaced?.num ?? null),
      isEntry: isFirst,
    });
    event.transaction = null;
    const proof = proofOf(
      incoming.pdu,
      placed.prev.map((prev) => prev.num),
      placed.auth.map((auth) => auth.num),
    );
    if (placed.outlier !== undefined) writes.push(store.markRepeated(placed.outlier));
    writes.push(store.insert(event, proof));
    if (isChanged) writes.push(...states.snapshotWrites(num, head.num, root, created));
    const effects = noEffects();
    eventEffects.addRelation(event, plan.relations.own, effects);
    eventEffects.addRedaction(event, { target: plan.redacted, relation: plan.relations.redacted }, head, effects);
    for (const redaction of plan.earlyRedactions)
      eventEffects.addRedaction(redaction, { target: event, relation: undefined }, head, effects);
    eventEffects.addSticky(event, effects);
    if (seq > row.seq + 1) head.restart();
    head.row = {
      ...row,
      seq,
      lastEvent: num,
      depth: Math.max(row.depth, event.depth),
      snapshot: isChanged ? num : row.snapshot,
      root,
      extremities: [...plan.extremities.map((one) => one.num), ...(plan.isFollowed ? [] : [num])],
    };
    head.extremities = [...plan.extremities, ...(plan.isFollowed ? [] : [event])];
    head.grow(event);
    for (const change of plan.changes) this.#addMember(head, event, change, effects);
    writes.push(...this.#graphWrites(head, placed, plan, event));
    const { fence } = row;
    const next = { ...head.row, fence: fence + 1 };
    head.row = next;
    const nums = [head.num, event.typeNum, event.senderNum, ...(event.stateKeyNum === null ? [] : [event.stateKeyNum])];
    if (plan.relations.own !== undefined) nums.push(plan.relations.own.relType);
    writes.push(...names.inserts(...nums), ...effects.writes);
    return { head, events: [event], before, row: next, guards: [rooms.advance(next, fence)], writes, effects };
  }

  #addMember(head: Head, event: StoredEvent, change: StateChange, effects: ReturnType<typeof noEffects>): void {
    const member = change.after ?? change.before;
    if (member?.type !== 'm.room.member') return;
    const after = change.after?.num === 0 ? event : change.after;
    this.#parts.effects.addMemberChange(change.stateKey, { before: change.before, after, cause: event }, head, effects);
    const server = domainOf(member.stateKey ?? '');
    if (after === undefined || membershipOf(after) !== 'join' || server === undefined) return;
    if (server !== this.#parts.serverName)
      effects.writes.push(...this.#parts.stores.graph.roomServers.insert(server, head.num));
  }

  /** Returns the number of a snapshot with the state before the event. */
  #graphSnapshot(head: Head, { before }: PlacedEvent, { knownSnapshot }: Plan, writes: Write[]): number {
    if (knownSnapshot !== undefined) return knownSnapshot;
    const { stream, states } = this.#parts.stores;
    const num = stream.next();
    writes.push(...states.snapshotWrites(num, head.num, before.root, before.created));
    return num;
  }

  #graphWrites(head: Head, placed: PlacedEvent, plan: Plan, event: StoredEvent): Write[] {
    const { missingEvents, earlyRedactions } = this.#parts.stores.graph;
    const writes = missingEvents.insert(head.num, placed.missing, event.num);
    if (plan.isFollowed) writes.push(missingEvents.remove(head.num, event.eventId));
    if (plan.earlyRedactions.length > 0) writes.push(earlyRedactions.remove(event.eventId));
    if (event.redacts !== undefined && plan.redacted === undefined)
      writes.push(earlyRedactions.insert(event.redacts, event.num));
    return writes;
  }

  /** Stores a rejected or soft-failed event, which has no place in the timeline. */
  async #storeOutside(head: Head, placed: PlacedEvent, plan: Plan): Promise<StoredEvent> {
    const { names, stream, events: store, graph } = this.#parts.stores;
    const writes: Write[] = [];
    const snapshot = this.#graphSnapshot(head, placed, plan, writes);
    const standing: Standing = placed.isRejected ? STANDING.rejected : STANDING.softFailed;
    const num = stream.next();
    const fields: RemoteFields = {
      num,
      room: head.num,
      seq: null,
      standing,
      snapshot,
      graphSnapshot: null,
      after: null,
      replaces: null,
    };
    const event = remoteEvent(names, head.version, placed.incoming, fields);
    const proof = proofOf(
      placed.incoming.pdu,
      placed.prev.map((prev) => prev.num),
      placed.auth.map((auth) => auth.num),
    );
    if (placed.outlier !== undefined) writes.push(store.markRepeated(placed.outlier));
    writes.push(store.insert(event, proof));
    if (plan.isFollowed) writes.push(graph.missingEvents.remove(head.num, event.eventId));
    const nums = [head.num, event.typeNum, event.senderNum, ...(event.stateKeyNum === null ? [] : [event.stateKeyNum])];
    writes.push(...names.inserts(...nums));
    try {
      await stream.commit(writes, [], () => store.stored([event]));
    } catch (error) {
      store.forget([num]);
      throw error;
    }
    return event;
  }
}

/** Returns a state with changes, in which the number 0 stands for the event `num`. */
function withChanges(root: NodeRef, changes: readonly StateChange[], num: number, created: NewNode[]): NodeRef {
  let changed = root;
  for (const { type, stateKey, after } of changes) {
    changed =
      after === undefined
        ? withoutEntry(changed, { type, stateKey }, created)
        : withEntry(changed, { type, stateKey, event: after.num === 0 ? num : after.num }, created);
  }
  return changed;
}

/**
 * Returns whether a redaction takes effect: its sender has the power to redact or is of the server of the target's
 * sender (rooms/v3, "Handling redactions").
 */
async function mayRedact(head: Head, redaction: StoredEvent, target: StoredEvent): Promise<boolean> {
  if (domainOf(redaction.sender) === domainOf(target.sender)) return true;
  const powers = await powersIn(head);
  return powers.of(redaction.sender) >= powers.to('redact');
}
