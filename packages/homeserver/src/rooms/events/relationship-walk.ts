import { createHash } from 'node:crypto';
import { encodeBase64 } from '@hearth/protocol/encoding/base64.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { relationshipOf } from './relations.ts';

/** The events that a walk visits and their order (MSC2836, "Querying relationships"). */
export interface RelationshipQuery {
  /** The maximum number of relations between the first event and another; a negative one means the maximum. */
  readonly max_depth?: number | null | undefined;
  /** The maximum number of children of one event; a negative one means the maximum. */
  readonly max_breadth?: number | null | undefined;
  /** The maximum number of events; a negative one means the maximum. */
  readonly limit?: number | null | undefined;
  readonly depth_first?: boolean | null | undefined;
  /** Whether the latest of the children of an event comes first. */
  readonly recent_first?: boolean | null | undefined;
  /** Whether the parent of the first event is visited also if the walk goes down. */
  readonly include_parent?: boolean | null | undefined;
  /** Whether the children of the first event are visited also if the walk goes up. */
  readonly include_children?: boolean | null | undefined;
  readonly direction?: 'up' | 'down' | null | undefined;
}

/** The relations that a walk follows. Events that the reader may not see are left out. */
export interface RelationshipSource {
  parent(event: StoredEvent): Promise<StoredEvent | undefined>;
  /** Returns at most {@link CHILDREN_MAX} children, in any order. */
  children(event: StoredEvent): Promise<readonly StoredEvent[]>;
}

/** The visited events, the first one of the walk first. */
export interface WalkedEvents {
  readonly events: readonly StoredEvent[];
  /** Whether there are more events, because the limit was reached. */
  readonly limited: boolean;
}

/** The maximum number of children of one event that are read. */
export const CHILDREN_MAX = 200;

const DEPTH = { default: 3, max: 100 };
const BREADTH = { default: 10, max: 100 };
const LIMIT = { default: 100, max: 100 };

/** An event with the number of relations between the first event and it. */
interface Step {
  readonly event: StoredEvent;
  readonly depth: number;
}

/** Visits the events that are related to an event (MSC2836, "Server implementation"). Each event is visited once. */
export async function walkRelationships(
  first: StoredEvent,
  query: RelationshipQuery,
  source: RelationshipSource,
): Promise<WalkedEvents> {
  const [maxDepth, maxBreadth] = [bounded(query.max_depth, DEPTH), bounded(query.max_breadth, BREADTH)];
  const limit = Math.max(1, bounded(query.limit, LIMIT));
  const childrenOf = async (event: StoredEvent) => inOrder(await source.children(event), query.recent_first ?? true);
  const parentsOf = async (event: StoredEvent) => [await source.parent(event)].filter((one) => one !== undefined);
  const found = new Map([[first.num, first]]);
  const beside = query.include_parent === true ? await parentsOf(first) : [];
  if (query.include_children === true) beside.push(...(await childrenOf(first)));
  let limited = false;
  const add = (event: StoredEvent) => {
    if (found.size < limit) found.set(event.num, event);
    else if (!found.has(event.num)) limited = true;
  };
  for (const event of beside) add(event);
  const expanded = new Set<number>();
  const waiting: Step[] = [{ event: first, depth: 0 }];
  while (!limited) {
    const step = query.depth_first === true ? waiting.pop() : waiting.shift();
    if (step === undefined) break;
    if (expanded.has(step.event.num)) continue;
    expanded.add(step.event.num);
    add(step.event);
    if (limited || step.depth >= maxDepth) continue;
    const next =
      query.direction === 'up' ? await parentsOf(step.event) : (await childrenOf(step.event)).slice(0, maxBreadth);
    const steps = next.map((event) => ({ event, depth: step.depth + 1 }));
    waiting.push(...(query.depth_first === true ? steps.reverse() : steps));
  }
  return { events: [...found.values()], limited };
}

function bounded(value: number | null | undefined, range: { readonly default: number; readonly max: number }): number {
  if (value === null || value === undefined) return range.default;
  return value < 0 ? range.max : Math.min(value, range.max);
}

function inOrder(events: readonly StoredEvent[], recentFirst: boolean): StoredEvent[] {
  const order = recentFirst ? -1 : 1;
  return events.toSorted((a, b) => order * (a.ts - b.ts || a.num - b.num));
}

/**
 * Returns the members of `unsigned` that summarise the children of an event, as JSON text without braces: the number of
 * children for each relation type and a hash of their ids (MSC2836, "Exploring dense threads").
 */
export function childrenSummary(children: readonly StoredEvent[]): string {
  const counts = new Map<string, number>();
  for (const child of children) {
    const relType = relationshipOf(child)?.relType;
    if (relType !== undefined) counts.set(relType, (counts.get(relType) ?? 0) + 1);
  }
  const ids = children.map(({ eventId }) => eventId).sort();
  const hash = encodeBase64(createHash('sha256').update(ids.join('')).digest());
  return `"children":${JSON.stringify(Object.fromEntries(counts))},"children_hash":${JSON.stringify(hash)}`;
}
