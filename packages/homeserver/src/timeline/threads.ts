import type { Reader } from '../rooms/access.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import { positionOf, streamToken } from './position.ts';
import type { RelationsPage } from './relations.ts';
import type { Bundles } from './render/bundles.ts';
import { redactedCopy } from './render/erasure.ts';
import type { Shown } from './render/event-renderer.ts';
import type { Visibility } from './visibility.ts';

interface Parts {
  readonly heads: Heads;
  readonly events: EventStore;
  readonly timelines: TimelineStore;
  readonly relations: RelationStore;
  readonly bundles: Bundles;
  readonly visibility: Visibility;
}

/** The query for a page of a room's threads. */
export interface ThreadsQuery {
  readonly include?: 'all' | 'participated' | undefined;
  readonly limit?: number | undefined;
  readonly from?: string | undefined;
}

const THREADS_DEFAULT = 20;
const THREADS_MAX = 100;
/** The maximum number of threads that one request reads in search of those in which the user participates. */
const THREADS_SCANNED_MAX = 1_000;

/** Reads the threads of rooms. */
export class Threads {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns the roots of a room's threads, the one with the latest reply first (client-server API, "Server-side thread
   * list").
   */
  async page(reader: Reader, room: number, query: ThreadsQuery): Promise<RelationsPage> {
    // A client with a limit of 0 would never reach the end.
    const limit = Math.max(1, Math.min(query.limit ?? THREADS_DEFAULT, THREADS_MAX));
    let before = ((await positionOf(this.#parts.timelines, room, query.from)) ?? Number.MAX_SAFE_INTEGER - 1) + 1;
    const shown: Shown[] = [];
    for (let scanned = 0; scanned < THREADS_SCANNED_MAX; scanned += limit) {
      const threads = await this.#parts.relations.threads(room, before, limit);
      const visible = await this.#visibleRoots(reader, room, {
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

  /** Returns the roots of threads with a reply that the reader may see. */
  async #visibleRoots(
    reader: Reader,
    room: number,
    { nums, include }: { readonly nums: readonly number[]; readonly include: ThreadsQuery['include'] },
  ): Promise<ReadonlyMap<number, Shown>> {
    const roots = await this.#parts.events.list(nums);
    const bundles = await this.#parts.bundles.bundlesFor(roots, reader);
    const wanted = roots.filter(({ num }) => {
      const thread = bundles.get(num)?.thread;
      return thread !== undefined && (include !== 'participated' || thread.participated);
    });
    const head = await this.#parts.heads.byNum(room);
    const visible = await this.#parts.visibility.visibleTo(reader.user, room, wanted);
    return new Map(
      visible.map((each) => {
        const isIgnored = head !== undefined && reader.ignored.has(each.event.senderNum);
        return [each.event.num, isIgnored ? { ...each, event: ignoredRoot(each.event, head.version) } : each];
      }),
    );
  }
}

/** Returns the redacted form of a root by an ignored user (client-server API, "Server-side thread list"). */
function ignoredRoot(event: StoredEvent, version: Head['version']): StoredEvent {
  const copy = redactedCopy(event, version, null);
  copy.transaction = null;
  copy.aggregations = event.aggregations;
  return copy;
}
