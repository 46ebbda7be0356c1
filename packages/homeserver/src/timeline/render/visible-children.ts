import { historyVisibility } from '@hearth/protocol/visibility/visibility.ts';
import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import { loadedSingly, NOT_LOADED, queried, type Source } from '../../platform/lookups/source.ts';
import { relationshipOf } from '../../rooms/events/relations.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { MembershipHistory } from '../../rooms/membership/membership-history.ts';
import type { UserRooms } from '../../rooms/membership/user-rooms.ts';
import type { Names } from '../../storage/engine/names.ts';
import {
  AGGREGATED,
  type Aggregated,
  Aggregations,
  isAggregated,
  isValidEdit,
} from '../../storage/rooms/events/aggregations.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Visibility } from '../visibility.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly heads: Heads;
  readonly userRooms: UserRooms;
  readonly membershipHistory: MembershipHistory;
  readonly relations: RelationStore;
  readonly visibility: Visibility;
}

/** The maximum number of latest children of each type that are read for a reader who may not see all. */
const CHILDREN_MAX = 1_000;
/**
 * The maximum number of earlier events that are read to determine the position since which a reader sees all events.
 */
const STEPS_MAX = 20;
const RANGE = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: true, limit: CHILDREN_MAX } as const;

/** A relation to an event: its type and the sender of the related event. */
interface VisibleRelation {
  readonly parent: number;
  readonly relType: string;
  readonly sender: string;
}

/** The key of the latest children of some events, of one type or of all. */
interface ChildrenKey {
  readonly parents: readonly number[];
  readonly relType: number | undefined;
}

/** Reads the events that relate to other events and that a reader may see. */
export class VisibleChildren {
  readonly #parts: Parts;
  readonly #pages: Source<ChildrenKey, readonly number[]>;
  readonly #kinds: Source<number, Awaited<ReturnType<RelationStore['ways']>>>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#pages = loadedSingly(
      () => NOT_LOADED,
      ({ parents, relType }) => parts.relations.page(parents, { relType }, RANGE),
      ({ parents, relType }) => `${relType}/${parents.join()}`,
    );
    this.#kinds = queried(
      (parent) => parent,
      async (parents) => {
        const found = Map.groupBy(await parts.relations.ways(parents), ({ parent }) => parent);
        return (parent) => found.get(parent) ?? [];
      },
    );
  }

  /**
   * Returns the aggregations of events whose children the reader may not all see, computed for that reader
   * (client-server API, "Room History Visibility"). They exclude children that were sent after the reader left or while
   * the reader was away. Members of rooms with shared history see all children. Other members see all children of
   * events since their join.
   */
  aggregations(lookups: Lookups, user: number, parents: readonly StoredEvent[]): ReadonlyMap<number, Aggregations> {
    const found = new Map<number, Aggregations>();
    lookups.each(
      Map.groupBy(parents, ({ room }) => room),
      ([room, inRoom]) => {
        const since = this.#seesAllSince(lookups, user, room);
        const others = inRoom.filter(({ num }) => num <= since);
        if (others.length === 0) return;
        const children = this.#visible(lookups, user, room, { parents: others, relTypes: AGGREGATED });
        for (const parent of others) found.set(parent.num, new Aggregations());
        for (const child of children) addChild(child, others, found);
      },
    );
    return found;
  }

  /** Returns the relations to events of one room. Only related events that the reader may see count. */
  relationsTo(
    reader: { readonly user: number; readonly ignored: ReadonlySet<number> },
    room: number,
    parents: readonly StoredEvent[],
  ): Promise<VisibleRelation[]> {
    return complete((lookups) => this.#relations(lookups, reader, room, parents));
  }

  #relations(
    lookups: Lookups,
    { user, ignored }: { readonly user: number; readonly ignored: ReadonlySet<number> },
    room: number,
    parents: readonly StoredEvent[],
  ): VisibleRelation[] {
    const since = this.#seesAllSince(lookups, user, room);
    const open = parents.filter(({ num }) => num > since).map(({ num }) => num);
    const kinds = lookups
      .all(this.#kinds, open)
      .flat()
      .filter(({ sender }) => !ignored.has(sender));
    const relations = lookups.each(kinds, ({ parent, relType, sender }) => {
      const [type = '', senderId = ''] = lookups.all(this.#parts.names.textSource, [relType, sender]);
      return { parent, relType: type, sender: senderId };
    });
    const others = parents.filter(({ num }) => num <= since);
    if (others.length === 0) return relations;
    const ids = new Map(others.map(({ eventId, num }) => [eventId, num]));
    for (const child of this.#visible(lookups, user, room, { parents: others })) {
      const relation = relationshipOf(child);
      const parent = ids.get(relation?.parent ?? '');
      if (relation === undefined || parent === undefined || ignored.has(child.senderNum)) continue;
      relations.push({ parent, relType: relation.relType, sender: child.sender });
    }
    return relations;
  }

  /** Returns the position after which a reader sees all events of a room. */
  #seesAllSince(lookups: Lookups, user: number, room: number): number {
    const { userRooms, heads, membershipHistory } = this.#parts;
    const row = lookups.get(userRooms.source, user).get(room);
    const head = lookups.get(heads.source, room);
    if (head === undefined) return Number.POSITIVE_INFINITY;
    if (row?.membership !== 'join') return this.#readableSince(lookups, head);
    if (this.#wasAlwaysShared(lookups, head)) return 0;
    let since = row.position;
    let steps = 0;
    for (const { membership, position } of membershipHistory.back(lookups, row)) {
      if (membership !== 'join' || steps > STEPS_MAX) return since;
      since = position;
      steps += 1;
    }
    return since;
  }

  /** Returns the position since which anybody may read a room; infinite if nobody may. */
  #readableSince(lookups: Lookups, head: Head): number {
    const event = this.#visibilityOf(lookups, head);
    return event?.content.history_visibility === 'world_readable' ? event.num : Number.POSITIVE_INFINITY;
  }

  /** Returns whether members have always seen all of the room's history. */
  #wasAlwaysShared(lookups: Lookups, head: Head): boolean {
    let event = this.#visibilityOf(lookups, head);
    for (let step = 0; step < STEPS_MAX && event !== undefined; step += 1) {
      const visibility = historyVisibility(event.content.history_visibility);
      if (visibility !== 'shared' && visibility !== 'world_readable') return false;
      event = event.replaces === null ? undefined : lookups.get(this.#parts.events.source, event.replaces);
    }
    return event === undefined;
  }

  #visibilityOf(lookups: Lookups, head: Head): StoredEvent | undefined {
    return lookups.get(this.#parts.heads.stateSource, { head, type: 'm.room.history_visibility', stateKey: '' });
  }

  /** Returns the children of some events that a reader may see, of some types or of all, in stream order. */
  #visible(
    lookups: Lookups,
    user: number,
    room: number,
    { parents, relTypes }: { readonly parents: readonly StoredEvent[]; readonly relTypes?: readonly Aggregated[] },
  ): StoredEvent[] {
    const { names, events, visibility } = this.#parts;
    const nums = parents.map(({ num }) => num);
    const types = relTypes === undefined ? [undefined] : lookups.all(names.wellKnownSource, relTypes);
    const pages = lookups.all(
      this.#pages,
      types.map((relType) => ({ parents: nums, relType })),
    );
    const children = lookups.all(
      events.source,
      pages.flat().sort((a, b) => a - b),
    );
    const there = children.filter((child) => child !== undefined && child.redactedBy === null && child.seq !== null);
    return visibility
      .visible(
        lookups,
        user,
        room,
        there.filter((child) => child !== undefined),
      )
      .map(({ event }) => event);
  }
}

function addChild(child: StoredEvent, parents: readonly StoredEvent[], found: ReadonlyMap<number, Aggregations>): void {
  const relation = relationshipOf(child);
  const parent = parents.find(({ eventId }) => eventId === relation?.parent);
  if (relation === undefined || parent === undefined || !isAggregated(relation.relType)) return;
  const aggregations = found.get(parent.num);
  if (aggregations === undefined) return;
  add(aggregations, relation.relType, child, parent);
}

function add(aggregations: Aggregations, relType: Aggregated, child: StoredEvent, parent: StoredEvent): void {
  if (relType === 'm.thread') aggregations.addReply(child);
  else if (relType === 'm.reference') aggregations.addReference(child);
  else if (isValidEdit(child, parent)) aggregations.addEdit(child);
}
