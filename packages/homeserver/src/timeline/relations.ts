import type { Head } from '../rooms/head.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { bundlesOf } from './bundles.ts';
import { type ContextDeps, readableEvent } from './context.ts';
import { redactedCopy } from './erasure.ts';
import type { Reader, Shown } from './hydrate.ts';
import { parseToken, streamToken } from './position.ts';
import { visibleEvents } from './visibility.ts';

/** A page of events that relate to one event. */
export interface RelationsPage {
  readonly shown: readonly Shown[];
  readonly nextBatch?: string;
  /** How many levels were followed, if more than one was asked for. */
  readonly depth?: number;
}

export interface RelationsQuery {
  readonly relType?: string | undefined;
  readonly eventType?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly limit?: number | undefined;
  readonly dir?: 'b' | 'f' | undefined;
  readonly recurse?: boolean | undefined;
}

const LIMIT_DEFAULT = 5;
const LIMIT_MAX = 1000;
/** "Servers should follow relations up to 3 levels" (client-server API, "GET relations", `recurse`). */
const DEPTH_MAX = 3;
/** The number of events whose children are followed at most. */
const PARENTS_MAX = 5_000;

/**
 * The events that relate to one (client-server API, "Relationship API"); the latest first unless `dir` is `f`.
 * @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM
 */
export async function relationsPage(
  deps: ContextDeps,
  reader: Reader,
  target: { readonly roomId: string; readonly eventId: string },
  query: RelationsQuery,
): Promise<RelationsPage> {
  const { event } = await readableEvent(deps, reader.user, target.eventId, target.roomId);
  const [relType, type] = [await numOf(deps, query.relType), await numOf(deps, query.eventType)];
  if (relType === null || type === null) return { shown: [] };
  const backwards = query.dir !== 'f';
  // None at a time would never get to the end.
  const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
  const [from, to] = [await positionOf(deps, event.room, query.from), await positionOf(deps, event.room, query.to)];
  const { parents, depth } =
    query.recurse === true ? await descendants(deps, event) : { parents: [event.num], depth: 1 };
  // Tokens stand between events, just after the one of their position.
  const range = {
    after: (backwards ? to : from) ?? 0,
    before: ((backwards ? from : to) ?? Number.MAX_SAFE_INTEGER - 1) + 1,
    backwards,
    limit,
  };
  const { shown, next } = await children(deps, reader, event.room, { parents, filter: { relType, type }, range });
  return {
    shown,
    ...(next === undefined ? {} : { nextBatch: streamToken(next) }),
    ...(query.recurse === true ? { depth } : {}),
  };
}

/** How many children one request looks at in search of those that the reader may see. */
const CHILDREN_SCANNED_MAX = 2_000;

interface ChildrenQuery {
  readonly parents: readonly number[];
  readonly filter: Parameters<ContextDeps['relations']['page']>[1];
  readonly range: Parameters<ContextDeps['relations']['page']>[2];
}

/** A page of children; `next` is the token's position of the next one. Redacted events relate to nothing any more. */
async function children(
  deps: ContextDeps,
  reader: Reader,
  room: number,
  { parents, filter, range }: ChildrenQuery,
): Promise<{ shown: Shown[]; next?: number }> {
  const { backwards, limit } = range;
  const shown: Shown[] = [];
  let { after, before } = range;
  for (let scanned = 0; scanned < CHILDREN_SCANNED_MAX; scanned += limit) {
    const nums = await deps.relations.page(parents, filter, { after, before, backwards, limit: limit + 1 });
    const events = await deps.events.list(nums.slice(0, limit));
    const heard = events.filter(({ senderNum, redactedBy }) => redactedBy === null && !reader.ignored.has(senderNum));
    const found = (await visibleEvents(deps, reader.user, room, heard)).slice(0, limit - shown.length);
    shown.push(...found);
    const isFull = shown.length === limit;
    const last = isFull ? found.at(-1)?.event.num : events.at(-1)?.num;
    if (nums.length <= limit && last === events.at(-1)?.num) return { shown };
    if (last === undefined) return { shown };
    if (backwards) before = last;
    else after = last;
    if (isFull) break;
  }
  return { shown, next: backwards ? before - 1 : after };
}

/** The event and what relates to it directly or through others. */
async function descendants(deps: ContextDeps, event: StoredEvent): Promise<{ parents: number[]; depth: number }> {
  const parents = [event.num];
  let level = [event.num];
  let depth = 1;
  while (depth < DEPTH_MAX && level.length > 0 && parents.length < PARENTS_MAX) {
    const range = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: false, limit: PARENTS_MAX };
    level = await deps.relations.page(level, {}, range);
    parents.push(...level);
    if (level.length > 0) depth += 1;
  }
  return { parents, depth };
}

/** A page of a room's threads. */
export interface ThreadsQuery {
  readonly include?: 'all' | 'participated' | undefined;
  readonly limit?: number | undefined;
  readonly from?: string | undefined;
}

const THREADS_DEFAULT = 20;
const THREADS_MAX = 100;
/** How many threads one request looks at in search of those with the user in them. */
const THREADS_SCANNED_MAX = 1_000;

/** The roots of a room's threads, the one with the latest reply first (client-server API, "Server-side thread list"). */
export async function threadsPage(
  deps: ContextDeps,
  reader: Reader,
  room: number,
  query: ThreadsQuery,
): Promise<RelationsPage> {
  // None at a time would never get to the end.
  const limit = Math.max(1, Math.min(query.limit ?? THREADS_DEFAULT, THREADS_MAX));
  let before = ((await positionOf(deps, room, query.from)) ?? Number.MAX_SAFE_INTEGER - 1) + 1;
  const shown: Shown[] = [];
  for (let scanned = 0; scanned < THREADS_SCANNED_MAX; scanned += limit) {
    const threads = await deps.relations.threads(room, before, limit);
    const visible = await visibleRoots(deps, reader, room, {
      nums: threads.map(({ root }) => root),
      include: query.include,
    });
    for (const { root, latest } of threads) {
      before = latest;
      const found = visible.get(root);
      if (found !== undefined) shown.push(found);
      if (shown.length === limit) return { shown, nextBatch: streamToken(before - 1) };
    }
    if (threads.length < limit) return { shown };
  }
  return { shown, nextBatch: streamToken(before - 1) };
}

/** The roots of threads in which the reader sees a reply. */
async function visibleRoots(
  deps: ContextDeps,
  reader: Reader,
  room: number,
  { nums, include }: { readonly nums: readonly number[]; readonly include: ThreadsQuery['include'] },
): Promise<ReadonlyMap<number, Shown>> {
  const roots = await deps.events.list(nums);
  const bundles = await bundlesOf(deps, roots, reader);
  const wanted = roots.filter(({ num }) => {
    const thread = bundles.get(num)?.thread;
    return thread !== undefined && (include !== 'participated' || thread.participated);
  });
  const head = await deps.heads.byNum(room);
  const visible = await visibleEvents(deps, reader.user, room, wanted);
  return new Map(
    visible.map((each) => {
      const isIgnored = head !== undefined && reader.ignored.has(each.event.senderNum);
      return [each.event.num, isIgnored ? { ...each, event: ignoredRoot(each.event, head.version) } : each];
    }),
  );
}

/** The root of an ignored user comes as if it were redacted ("Server-side thread list"). */
function ignoredRoot(event: StoredEvent, version: Head['version']): StoredEvent {
  const copy = redactedCopy(event, version, null);
  copy.transaction = null;
  copy.aggregations = event.aggregations;
  return copy;
}

/** The number of a name: `undefined` for any, `null` for one that no event has. */
async function numOf(deps: ContextDeps, text: string | undefined): Promise<number | null | undefined> {
  return text === undefined ? undefined : ((await deps.names.find(text)) ?? null);
}

/** The position in the stream that a token of either kind means. */
async function positionOf(deps: ContextDeps, room: number, text: string | undefined): Promise<number | undefined> {
  if (text === undefined) return undefined;
  const token = parseToken(text, 'from');
  if (token.kind === 'stream') return token.position;
  const [num] = await deps.timelines.page({ room, after: 0, upTo: token.seq }, true, 1);
  return num ?? 0;
}
