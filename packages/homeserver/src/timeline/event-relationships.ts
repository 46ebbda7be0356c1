import { notFound } from '@hearth/protocol/errors.ts';
import type { Reader } from '../rooms/access.ts';
import { relationshipOf } from '../rooms/events/relations.ts';
import {
  CHILDREN_MAX,
  childrenSummary,
  type RelationshipQuery,
  type RelationshipSource,
  walkRelationships,
} from '../rooms/events/relationship-walk.ts';
import type { Head } from '../rooms/head.ts';
import type { Heads } from '../rooms/heads.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { RelationStore } from '../storage/rooms/events/relation-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import type { ReadableEvents } from './readable-events.ts';
import type { Shown } from './render/event-renderer.ts';
import type { Visibility, VisibleEvent } from './visibility.ts';

interface Parts {
  readonly events: EventStore;
  readonly relations: RelationStore;
  readonly heads: Heads;
  readonly readable: ReadableEvents;
  readonly visibility: Visibility;
}

/** Fetches events that this server does not have from other servers. */
export interface RelatedHistory {
  /** Fetches an event as a part of the history of its room. */
  fetch(head: Head, eventId: string): Promise<void>;
  /** Fetches the events that are missing in the timeline after an event. Its children may be among them. */
  completeAfter(head: Head, event: StoredEvent): Promise<void>;
}

/** The events to which an event is related, as the reader may see them. */
export interface ShownRelationships {
  readonly shown: readonly Shown[];
  /** The members of `unsigned` that summarise the children of each event, as JSON text without braces. */
  readonly summaries: readonly string[];
  /** Whether there are more events, because the limit was reached. */
  readonly limited: boolean;
}

/** The number of events that one request fetches from other servers. */
const FETCHED_MAX = 5;

/** Reads the events to which an event is related, over several relations (MSC2836). */
export class EventRelationships {
  readonly #parts: Parts;
  #remote: RelatedHistory | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Makes the events that other servers have available. */
  fetchFrom(remote: RelatedHistory): void {
    this.#remote = remote;
  }

  /**
   * Returns the events to which an event is related. Events that other servers have are fetched if the reader is a member
   * of the room. For an event that this server does not have, the room has to be given.
   * @throws MatrixError M_NOT_FOUND, also for an event that is hidden from the reader
   */
  async around(
    reader: Reader,
    { eventId, roomId }: { readonly eventId: string; readonly roomId: string | undefined },
    query: RelationshipQuery,
  ): Promise<ShownRelationships> {
    const { events, heads } = this.#parts;
    const room = (await events.byId(eventId))?.roomId ?? roomId;
    const head = room === undefined ? undefined : await heads.find(room);
    if (head === undefined) throw notFound('The event does not exist');
    const remote = head.joined.has(reader.user) ? this.#remote : undefined;
    const source = new ReadableRelationships(this.#parts, reader, head, remote);
    const first = await source.first(eventId);
    if (query.direction !== 'up' || query.include_children === true) await remote?.completeAfter(head, first);
    const { events: found, limited } = await walkRelationships(first, query, source);
    return { ...(await source.shown(found)), limited };
  }
}

/** The relations between the events of one room that one reader may see, for one request. */
class ReadableRelationships implements RelationshipSource {
  readonly #parts: Parts;
  readonly #reader: Reader;
  readonly #head: Head;
  readonly #remote: RelatedHistory | undefined;
  readonly #visible = new Map<number, VisibleEvent>();
  #fetched = 0;

  constructor(parts: Parts, reader: Reader, head: Head, remote: RelatedHistory | undefined) {
    this.#parts = parts;
    this.#reader = reader;
    this.#head = head;
    this.#remote = remote;
  }

  /** Returns the event at which the walk begins. @throws MatrixError M_NOT_FOUND */
  async first(eventId: string): Promise<StoredEvent> {
    await this.#find(eventId);
    const { event, membership } = await this.#parts.readable.find(this.#reader.user, eventId);
    if (membership !== undefined) this.#visible.set(event.num, { event, membership });
    return event;
  }

  async parent(event: StoredEvent): Promise<StoredEvent | undefined> {
    const relation = relationshipOf(event);
    const parent = relation === undefined ? undefined : await this.#find(relation.parent);
    return parent === undefined ? undefined : (await this.#readable([parent]))[0];
  }

  async children({ num }: StoredEvent): Promise<readonly StoredEvent[]> {
    const range = { after: 0, before: Number.MAX_SAFE_INTEGER, backwards: true, limit: CHILDREN_MAX };
    return this.#readable(await this.#parts.events.list(await this.#parts.relations.page([num], {}, range)));
  }

  /** Returns events with the reader's memberships and the summaries of their children. */
  async shown(events: readonly StoredEvent[]): Promise<Pick<ShownRelationships, 'shown' | 'summaries'>> {
    const summaries: string[] = [];
    for (const event of events) summaries.push(childrenSummary(await this.children(event)));
    return { shown: events.map((event) => this.#visible.get(event.num) ?? { event }), summaries };
  }

  /** Returns an event of the timeline of the room, which is fetched if this server does not have it. */
  async #find(eventId: string): Promise<StoredEvent | undefined> {
    const known = await this.#placed(eventId);
    if (known !== undefined || this.#remote === undefined || this.#fetched === FETCHED_MAX) return known;
    this.#fetched += 1;
    await this.#remote.fetch(this.#head, eventId);
    return this.#placed(eventId);
  }

  async #placed(eventId: string): Promise<StoredEvent | undefined> {
    const event = await this.#parts.events.byId(eventId);
    return event?.room === this.#head.num && event.seq !== null ? event : undefined;
  }

  async #readable(events: readonly StoredEvent[]): Promise<StoredEvent[]> {
    const unignored = events.filter(({ seq, senderNum }) => seq !== null && !this.#reader.ignored.has(senderNum));
    const visible = await this.#parts.visibility.visibleTo(this.#reader.user, this.#head.num, unignored);
    for (const one of visible) this.#visible.set(one.event.num, one);
    return visible.map(({ event }) => event);
  }
}
