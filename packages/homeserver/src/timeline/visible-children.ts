import { historyVisibility } from '@hearth/protocol/visibility/visibility.ts';
import { worldReadableSince } from '../rooms/access.ts';
import { membershipOf } from '../rooms/events/effects.ts';
import { relationOf } from '../rooms/events/relations.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import {
  AGGREGATED,
  type Aggregated,
  Aggregations,
  isAggregated,
  isValidEdit,
} from '../storage/rooms/events/aggregations.ts';
import type { RelationStore } from '../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { type VisibilityDeps, visibleEvents } from './visibility.ts';

export interface VisibleChildrenDeps extends VisibilityDeps {
  readonly heads: Heads;
  readonly relations: RelationStore;
}

/** The number of latest children of each kind that are counted for a reader who may not see all. */
const CHILDREN_MAX = 1_000;
/** How many earlier events are looked at to find out since when a reader sees everything. */
const STEPS_MAX = 20;

/**
 * The aggregations of those events of which the reader may not see all children, counted for that reader: as of the time
 * when they left the room, or without what was said while they were away (client-server API, "Room History Visibility").
 * Members of rooms whose history is shared see all children, and so do other members those of events since their join.
 */
export async function readerAggregations(
  deps: VisibleChildrenDeps,
  user: number,
  parents: readonly StoredEvent[],
): Promise<ReadonlyMap<number, Aggregations>> {
  const found = new Map<number, Aggregations>();
  for (const [room, inRoom] of Map.groupBy(parents, (parent) => parent.room)) {
    const since = await seesAllSince(deps, user, room);
    const others = inRoom.filter(({ num }) => num <= since);
    if (others.length === 0) continue;
    for (const parent of others) found.set(parent.num, new Aggregations());
    for (const child of await visibleChildren(deps, user, room, others, AGGREGATED)) addChild(child, others, found);
  }
  return found;
}

/** A relation to an event: its type and the sender of the related event. */
interface VisibleRelation {
  readonly parent: number;
  readonly relType: string;
  readonly sender: string;
}

/** Returns the relations to events of one room, as far as the reader may see the related events. */
export async function visibleRelations(
  deps: VisibleChildrenDeps,
  reader: { readonly user: number; readonly ignored: ReadonlySet<number> },
  room: number,
  parents: readonly StoredEvent[],
): Promise<VisibleRelation[]> {
  const since = await seesAllSince(deps, reader.user, room);
  const open = parents.filter(({ num }) => num > since).map(({ num }) => num);
  const ways = open.length === 0 ? [] : await deps.relations.ways(open);
  const heard = ways.filter(({ sender }) => !reader.ignored.has(sender));
  const names = await deps.names.texts(heard.flatMap(({ relType, sender }) => [relType, sender]));
  const relations = heard.map(({ parent, relType, sender }) => ({
    parent,
    relType: names.get(relType) ?? '',
    sender: names.get(sender) ?? '',
  }));
  const others = parents.filter(({ num }) => num <= since);
  if (others.length === 0) return relations;
  const ids = new Map(others.map(({ eventId, num }) => [eventId, num]));
  for (const child of await visibleChildren(deps, reader.user, room, others)) {
    const relation = relationOf(child);
    const parent = ids.get(relation?.parent ?? '');
    if (relation === undefined || parent === undefined || reader.ignored.has(child.senderNum)) continue;
    relations.push({ parent, relType: relation.relType, sender: child.sender });
  }
  return relations;
}

/** The position after which a reader sees all events of a room. */
async function seesAllSince(deps: VisibleChildrenDeps, user: number, room: number): Promise<number> {
  const row = (await deps.userRooms.of(user)).get(room);
  const head = await deps.heads.byNum(room);
  if (head === undefined) return Number.POSITIVE_INFINITY;
  if (row?.membership !== 'join') return (await readableSince(head)) ?? Number.POSITIVE_INFINITY;
  if (await wasAlwaysShared(deps, head)) return 0;
  let since = row.event;
  for (let step = 0; step < STEPS_MAX; step += 1) {
    const replaces = (await deps.events.one(since))?.replaces ?? null;
    const before = replaces === null ? undefined : await deps.events.one(replaces);
    if (before === undefined || membershipOf(before) !== 'join') return since;
    since = before.num;
  }
  return since;
}

async function readableSince(head: Head): Promise<number | undefined> {
  await head.state('m.room.history_visibility');
  return worldReadableSince(head);
}

/** Whether members have always seen all of the room's history. */
async function wasAlwaysShared({ events }: VisibleChildrenDeps, head: Head): Promise<boolean> {
  let event = await head.state('m.room.history_visibility');
  for (let step = 0; step < STEPS_MAX && event !== undefined; step += 1) {
    const visibility = historyVisibility(event.content.history_visibility);
    if (visibility !== 'shared' && visibility !== 'world_readable') return false;
    event = event.replaces === null ? undefined : await events.one(event.replaces);
  }
  return event === undefined;
}

/** The children of some events that a reader may see, those of some kinds or of all, in stream order. */
async function visibleChildren(
  deps: VisibleChildrenDeps,
  user: number,
  room: number,
  parents: readonly StoredEvent[],
  relTypes?: readonly Aggregated[],
): Promise<StoredEvent[]> {
  const nums = parents.map(({ num }) => num);
  const types = relTypes === undefined ? [undefined] : [...(await deps.names.nums(relTypes)).values()];
  const range = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: true, limit: CHILDREN_MAX };
  const pages = await Promise.all(types.map((relType) => deps.relations.page(nums, { relType }, range)));
  const children = await deps.events.list(pages.flat().sort((a, b) => a - b));
  const there = children.filter(({ redactedBy, seq }) => redactedBy === null && seq !== null);
  return (await visibleEvents(deps, user, room, there)).map(({ event }) => event);
}

function addChild(child: StoredEvent, parents: readonly StoredEvent[], found: ReadonlyMap<number, Aggregations>): void {
  const relation = relationOf(child);
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
