import { domainOf } from '@hearth/protocol/identifiers/server-of.ts';
import { Fenced, type Write } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import type { Stream } from '../../storage/engine/stream.ts';
import type { EarlyReferences } from '../../storage/rooms/events/early-references.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import { STANDING, type Standing, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { RoomServers } from '../../storage/rooms/room-servers.ts';
import type { RoomStore } from '../../storage/rooms/room-store.ts';
import type { NodeRef } from '../../storage/state/state-node.ts';
import type { StateStore } from '../../storage/state/state-store.ts';
import type { NewNode } from '../../storage/state/state-tree.ts';
import type { Acceptor } from '../accept.ts';
import type { Decided } from '../events/decide.ts';
import { addEarlyEvents, type EarlyEvents, namesOfEarly } from '../events/early-events.ts';
import { type Effects, type EventEffects, noEffects } from '../events/effects.ts';
import type { MemberEffects } from '../events/member-effects.ts';
import { withChanges } from '../graph/state-changes.ts';
import type { Head } from '../head.ts';
import type { Heads } from '../heads.ts';
import { UnsentEvents } from '../outgoing/unsent-events.ts';
import type { PartialStates } from '../partial-state/partial-states.ts';
import type { ServersInRooms } from '../remote/servers-in-room.ts';
import { namesIn, proofOf, type RemoteFields, remoteEvent } from './build-remote.ts';
import type { PlacedEvent, Plan, Plans } from './plan.ts';
import type { ResolutionReports } from './resolution-reports.ts';

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
  readonly earlyReferences: EarlyReferences;
  readonly earlyEvents: EarlyEvents;
  readonly roomServers: RoomServers;
  readonly partialStates: PartialStates;
}

export interface AppenderParts {
  readonly stores: AppenderStores;
  readonly acceptor: Acceptor;
  readonly effects: EventEffects;
  readonly members: MemberEffects;
  readonly plans: Plans;
  readonly rooms: { readonly heads: Heads; readonly servers: ServersInRooms };
  readonly reports: ResolutionReports;
}

/** An event that was decided. `stored` settles with its commit. */
export interface AppendedEvent {
  readonly event: StoredEvent;
  readonly stored: Promise<void>;
}

/** The sequence numbers that a gap in a timeline leaves for the missing events, which may be fetched later. */
const GAP_SEQS = 2 ** 20;

/** Appends events of other servers to the timelines of their rooms. */
export class RemoteAppender {
  readonly #parts: AppenderParts;
  readonly unsent = new UnsentEvents();

  constructor(parts: AppenderParts) {
    this.#parts = parts;
  }

  /**
   * Stores an event: in the timeline if the rules accept it, outside otherwise. Resolves when it is on disk. If another
   * writer has advanced the room since its head was loaded, the event is decided again.
   */
  async append(head: Head, placed: PlacedEvent): Promise<StoredEvent> {
    for (let current = head; ; current = (await this.#parts.rooms.heads.byNum(head.num)) ?? head) {
      const { event, stored } = await this.decide(current, placed);
      try {
        await stored;
        return event;
      } catch (error) {
        if (!(error instanceof Fenced)) throw error;
      }
    }
  }

  /**
   * Decides an event as {@link append}. Resolves as soon as the next event of the room can be decided; `stored` settles
   * with the commit. The changes of the room's state are computed again when another event is accepted meanwhile.
   */
  async decide(head: Head, placed: PlacedEvent): Promise<AppendedEvent> {
    await this.#parts.stores.names.reserveAll(namesIn(placed.incoming));
    const isNewServer = await this.#isNewServer(head, placed);
    for (let current = head; ; ) {
      const plan = await this.#parts.plans.of(current, placed);
      if (current.isAbandoned) {
        current = (await this.#parts.rooms.heads.byNum(head.num)) ?? current;
        continue;
      }
      if (current.row !== plan.seen) continue;
      if (placed.isRejected || plan.isSoftFailed)
        return { event: await this.#storeOutside(current, placed, plan), stored: Promise.resolve() };
      return this.#commit(current, placed, plan, isNewServer);
    }
  }

  #commit(head: Head, placed: PlacedEvent, plan: Plan, isNewServer: boolean): AppendedEvent {
    const decided = this.#decide(head, placed, plan);
    const [event] = decided.events;
    if (event === undefined) throw new Error('an accepted event is missing');
    const pending = this.#parts.acceptor.commit([decided]);
    head.pending = pending;
    const stored = pending.then(() => {
      if (isNewServer) this.unsent.joined(plan.extremities);
      if (placed.isFirst === true) return;
      this.#parts.reports.report(event, plan.changes);
      this.unsent.resolved(event, plan.changes);
    });
    // The caller may look at the outcome later, or at that of a later event, which fails as well.
    stored.catch(() => {
      if (placed.partial !== undefined) this.#parts.stores.graph.partialStates.cancel(head.num, event.num);
    });
    return { event, stored };
  }

  /** Returns whether an event is the join of a server that is not in the room yet. */
  async #isNewServer(head: Head, { incoming: { pdu }, isFirst }: PlacedEvent): Promise<boolean> {
    if (isFirst === true || pdu.type !== 'm.room.member' || pdu.content.membership !== 'join') return false;
    return !(await this.#parts.rooms.servers.of(head)).has(domainOf(pdu.state_key ?? '') ?? '');
  }

  /** Advances the head to the event. There is no `await` since the check that the plan is for its row. */
  #decide(head: Head, placed: PlacedEvent, plan: Plan): Decided {
    const { names, stream, rooms } = this.#parts.stores;
    const before = { row: head.row, extremities: head.extremities };
    const { row } = before;
    const writes: Write[] = [];
    const isAtHead = placed.before.root.hash === row.root.hash;
    const graphSnapshot = isAtHead ? null : this.#graphSnapshot(head, placed, plan, writes);
    const num = stream.next();
    const created: NewNode[] = [];
    const root = withChanges(row.root, plan.changes, num, created);
    const event = this.#eventAt(head, placed, plan, { num, graphSnapshot, isChanged: root.hash !== row.root.hash });
    writes.push(...this.#eventWrites(placed, event));
    if (root.hash !== row.root.hash)
      writes.push(...this.#parts.stores.states.snapshotWrites(num, head.num, root, created));
    const effects = this.#effects(head, event, plan);
    this.#advance(head, event, plan, root);
    this.#parts.members.add(head, plan.changes, { event, position: num }, effects);
    writes.push(...this.#graphWrites(head, placed, plan, event));
    const next = { ...head.row, fence: row.fence + 1 };
    head.row = next;
    const nums = namesOf(head, event);
    if (plan.relations.own !== undefined) nums.push(plan.relations.own.relType);
    nums.push(...namesOfEarly(plan.early));
    writes.push(...names.inserts(...nums), ...effects.writes);
    return { head, events: [event], before, row: next, guards: [rooms.advance(next, row.fence)], writes, effects };
  }

  /** Returns the event with its place at the end of the timeline. */
  #eventAt(
    head: Head,
    placed: PlacedEvent,
    plan: Plan,
    given: { readonly num: number; readonly graphSnapshot: number | null; readonly isChanged: boolean },
  ): StoredEvent {
    const { row } = head;
    const { num, graphSnapshot, isChanged } = given;
    const isFirst = placed.isFirst === true;
    const hasGap = placed.missing.length > 0 && row.lastEvent !== 0;
    const { type, state_key: stateKey } = placed.incoming.pdu;
    const isState = stateKey !== undefined;
    const replaced = isState ? head.known(type, stateKey) : undefined;
    const afterUnchanged = isState ? row.snapshot : null;
    const afterChanged = isState ? null : num;
    const event = remoteEvent(this.#parts.stores.names, head.version, placed.incoming, {
      num,
      room: head.num,
      seq: row.seq + (hasGap ? GAP_SEQS : 1),
      standing: STANDING.accepted,
      snapshot: isFirst ? (graphSnapshot ?? row.snapshot) : row.snapshot,
      graphSnapshot: isFirst ? null : graphSnapshot,
      after: isChanged ? afterChanged : afterUnchanged,
      replaces: isFirst ? plan.invite : (replaced?.num ?? null),
      isEntry: isFirst,
      followsGap: hasGap,
    });
    event.transaction = null;
    return event;
  }

  #eventWrites({ incoming, prev, auth, outlier }: PlacedEvent, event: StoredEvent): Write[] {
    const store = this.#parts.stores.events;
    const numsOf = (events: readonly StoredEvent[]) => events.map(({ num }) => num);
    const insert = store.insert(event, proofOf(incoming.pdu, numsOf(prev), numsOf(auth)));
    return outlier === undefined ? [insert] : [store.markRepeated(outlier), insert];
  }

  #effects(head: Head, event: StoredEvent, { relations, redacted, early }: Plan): Effects {
    const all = this.#parts.effects;
    const effects = noEffects();
    all.addRelation(event, relations.own, effects);
    all.addRedaction(event, { target: redacted, relation: relations.redacted }, head, effects);
    addEarlyEvents(early, event, head, { all, effects });
    all.addSticky(event, effects);
    return effects;
  }

  #advance(head: Head, event: StoredEvent, { extremities, isFollowed }: Plan, root: NodeRef): void {
    const { row } = head;
    const next = isFollowed ? extremities : [...extremities, event];
    const seq = event.seq ?? row.seq;
    if (seq > row.seq + 1) head.restart();
    head.row = {
      ...row,
      seq,
      lastEvent: event.num,
      depth: Math.max(row.depth, event.depth),
      snapshot: root.hash === row.root.hash ? row.snapshot : event.num,
      root,
      extremities: next.map(({ num }) => num),
    };
    head.extremities = next;
    head.grow(event);
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
    const { missingEvents, earlyReferences, partialStates, roomServers } = this.#parts.stores.graph;
    const writes = missingEvents.insert(head.num, placed.missing, event.num);
    const { num, ts } = event;
    if (placed.partial !== undefined)
      writes.push(...partialStates.begin({ room: head.num, event: num, ts, ...placed.partial }, roomServers));
    if (plan.isFollowed) writes.push(missingEvents.remove(head.num, event.eventId));
    if (plan.early.length > 0) writes.push(...earlyReferences.remove(event.eventId));
    if (plan.awaited !== undefined) writes.push(earlyReferences.insert(plan.awaited, event));
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
    writes.push(...this.#eventWrites(placed, event));
    if (plan.isFollowed) writes.push(graph.missingEvents.remove(head.num, event.eventId));
    writes.push(...names.inserts(...namesOf(head, event)));
    try {
      await stream.commit(writes, [], () => store.stored([event]));
    } catch (error) {
      store.forget([num]);
      throw error;
    }
    return event;
  }
}

/** Returns the numbers of all names in the row of an event. */
function namesOf(head: Head, { typeNum, senderNum, stateKeyNum }: StoredEvent): number[] {
  return [head.num, typeNum, senderNum, ...(stateKeyNum === null ? [] : [stateKeyNum])];
}
