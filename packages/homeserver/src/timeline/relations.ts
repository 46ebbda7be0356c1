import type { Reader } from '../rooms/access.ts';
import type { Names } from '../storage/engine/names.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../storage/rooms/events/timeline-store.ts';
import { positionOf, streamToken } from './position.ts';
import type { ReadableEvents } from './readable-events.ts';
import type { Shown } from './render/event-renderer.ts';
import type { Visibility } from './visibility.ts';

interface Parts {
  readonly names: Names;
  readonly events: EventStore;
  readonly timelines: TimelineStore;
  readonly relations: RelationStore;
  readonly readable: ReadableEvents;
  readonly visibility: Visibility;
}

/** A page of events that relate to one event. */
export interface RelationsPage {
  readonly shown: readonly Shown[];
  readonly nextBatch?: string;
  /** The depth of the followed relations, if `recurse` was requested. */
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
/**
 * The maximum depth of followed relations: "Servers should follow relations up to 3 levels" (client-server API, "GET
 * relations", `recurse`).
 */
const DEPTH_MAX = 3;
/** The maximum number of events whose children are read. */
const PARENTS_MAX = 5_000;

/** Reads the events that relate to other events (client-server API, "Relationship API"). */
export class RelatedEvents {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Returns a page of the events that relate to an event, latest first unless `dir` is `f`.
   * @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM
   */
  async page(
    reader: Reader,
    target: { readonly roomId: string; readonly eventId: string },
    query: RelationsQuery,
  ): Promise<RelationsPage> {
    const { event } = await this.#parts.readable.find(reader.user, target.eventId, target.roomId);
    const [relType, type] = [await this.#numOf(query.relType), await this.#numOf(query.eventType)];
    if (relType === null || type === null) return { shown: [] };
    const backwards = query.dir !== 'f';
    // A client with a limit of 0 would never reach the end.
    const limit = Math.max(1, Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX));
    const [from, to] = [
      await positionOf(this.#parts.timelines, event.room, query.from),
      await positionOf(this.#parts.timelines, event.room, query.to),
    ];
    const { parents, depth } =
      query.recurse === true ? await this.#descendants(event) : { parents: [event.num], depth: 1 };
    // A token is the position after the event with its number.
    const range = {
      after: (backwards ? to : from) ?? 0,
      before: ((backwards ? from : to) ?? Number.MAX_SAFE_INTEGER - 1) + 1,
      backwards,
      limit,
    };
    const { shown, next } = await this.#children(reader, event.room, { parents, filter: { relType, type }, range });
    return {
      shown,
      ...(next === undefined ? {} : { nextBatch: streamToken(next) }),
      ...(query.recurse === true ? { depth } : {}),
    };
  }

  /** Returns a page of children. `next` is the position of the next page. Redacted events are not children. */
  async #children(
    reader: Reader,
    room: number,
    { parents, filter, range }: ChildrenQuery,
  ): Promise<{ shown: Shown[]; next?: number }> {
    const { backwards, limit } = range;
    const shown: Shown[] = [];
    let { after, before } = range;
    for (let scanned = 0; scanned < CHILDREN_SCANNED_MAX; scanned += limit) {
      const nums = await this.#parts.relations.page(parents, filter, { after, before, backwards, limit: limit + 1 });
      const events = await this.#parts.events.list(nums.slice(0, limit));
      const unignored = events.filter(
        ({ senderNum, redactedBy }) => redactedBy === null && !reader.ignored.has(senderNum),
      );
      const found = (await this.#parts.visibility.visibleTo(reader.user, room, unignored)).slice(
        0,
        limit - shown.length,
      );
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

  /** Returns the event and the events that relate to it directly or through others. */
  async #descendants(event: StoredEvent): Promise<{ parents: number[]; depth: number }> {
    const parents = [event.num];
    let level = [event.num];
    let depth = 1;
    while (depth < DEPTH_MAX && level.length > 0 && parents.length < PARENTS_MAX) {
      const range = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: false, limit: PARENTS_MAX };
      level = await this.#parts.relations.page(level, {}, range);
      parents.push(...level);
      if (level.length > 0) depth += 1;
    }
    return { parents, depth };
  }

  /** Returns the number of a name: `undefined` for an absent name, `null` for a name that no event has. */
  async #numOf(text: string | undefined): Promise<number | null | undefined> {
    return text === undefined ? undefined : ((await this.#parts.names.find(text)) ?? null);
  }
}

/** The maximum number of children that one request reads in search of visible ones. */
const CHILDREN_SCANNED_MAX = 2_000;

interface ChildrenQuery {
  readonly parents: readonly number[];
  readonly filter: Parameters<RelationStore['page']>[1];
  readonly range: Parameters<RelationStore['page']>[2];
}
