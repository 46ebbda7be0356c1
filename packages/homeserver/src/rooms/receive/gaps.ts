import { prevEventIds } from '@hearth/protocol/events/event.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import { STANDING } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineStore } from '../../storage/rooms/events/timeline-store.ts';
import type { Head } from '../head.ts';
import { type EventFetcher, MISSING_MAX } from '../remote/event-fetcher.ts';
import { type IncomingEvent, readIncoming } from './incoming.ts';

/** The number of requests for the events of one gap. */
const REQUESTS_MAX = 5;

/** Fetches the events between the events that this server has and a later one. */
export class Gaps {
  readonly #events: EventStore;
  readonly #timelines: TimelineStore;
  readonly #fetcher: EventFetcher;

  constructor(events: EventStore, timelines: TimelineStore, fetcher: EventFetcher) {
    this.#events = events;
    this.#timelines = timelines;
    this.#fetcher = fetcher;
  }

  /** Returns the ids of those events that have no place in the graph yet. Outliers have none. */
  async unplaced(eventIds: readonly string[]): Promise<string[]> {
    const nums = await this.#events.numsOf(eventIds);
    const events = await this.#events.load(nums.values());
    return eventIds.filter((eventId) => {
      const event = events.get(nums.get(eventId) ?? -1);
      return event === undefined || event.standing === STANDING.outlier;
    });
  }

  /**
   * Returns the events that an event follows and that this server does not have, oldest first, as far as the server that
   * has sent it answers them within the limits.
   */
  async before(head: Head, incoming: IncomingEvent, server: string): Promise<IncomingEvent[]> {
    const found = new Map<string, IncomingEvent>();
    const earliest = head.extremities.map(({ eventId }) => eventId);
    const minDepth = await this.#minDepth(head);
    let open = new Map([[incoming.eventId, incoming]]);
    for (let request = 0; request < REQUESTS_MAX && open.size > 0; request += 1) {
      const fetched = await this.#fetch(head, server, { earliest, latest: [...open.keys()], minDepth });
      const news = fetched.filter(({ eventId }) => eventId !== incoming.eventId && !found.has(eventId));
      if (news.length === 0) break;
      const isLimited = fetched.length >= MISSING_MAX;
      for (const one of news) found.set(one.eventId, one);
      // A server that has answered fewer events than it may has no more.
      if (!isLimited) break;
      open = new Map();
      for (const one of [incoming, ...found.values()]) {
        const absent = prevEventIds(one.pdu, head.version).filter((eventId) => !found.has(eventId));
        if ((await this.unplaced(absent)).length > 0) open.set(one.eventId, one);
      }
    }
    return inGraphOrder([...found.values()], (one) => prevEventIds(one.pdu, head.version));
  }

  /**
   * Returns the depth from which on this server needs events. A branch may have begun long before the forward
   * extremities, but not before this server came into the room.
   */
  async #minDepth(head: Head): Promise<number> {
    const range = { room: head.num, after: 0, upTo: head.row.seq };
    const [first] = await this.#events.list(await this.#timelines.page(range, false, 1));
    return first === undefined ? 0 : Math.max(0, first.depth - 1);
  }

  async #fetch(
    head: Head,
    server: string,
    between: { readonly earliest: readonly string[]; readonly latest: readonly string[]; readonly minDepth: number },
  ): Promise<IncomingEvent[]> {
    try {
      const values = await this.#fetcher.missingEvents(server, head.roomId, between);
      return values.flatMap((value) => {
        const { incoming } = readIncoming(value, head.version);
        return incoming?.roomId === head.roomId ? [incoming] : [];
      });
    } catch (error) {
      // The state before the event is fetched instead.
      if (error instanceof FederationError) return [];
      throw error;
    }
  }
}

/** Returns events so that each comes after those that it follows. */
export function inGraphOrder(
  events: readonly IncomingEvent[],
  prevOf: (event: IncomingEvent) => readonly string[],
): IncomingEvent[] {
  const byId = new Map(events.map((event) => [event.eventId, event]));
  const ordered: IncomingEvent[] = [];
  const seen = new Set<string>();
  // The depths of a peer may be wrong, so that the edges decide; depths keep the order of parallel branches.
  const byDepth = [...events].sort((a, b) => a.pdu.depth - b.pdu.depth);
  for (const start of byDepth) {
    const stack: { readonly event: IncomingEvent; readonly left: string[] }[] = [];
    const enter = (event: IncomingEvent) => {
      if (seen.has(event.eventId)) return;
      seen.add(event.eventId);
      stack.push({ event, left: [...prevOf(event)] });
    };
    enter(start);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.left.pop();
      const before = next === undefined ? undefined : byId.get(next);
      if (before !== undefined) enter(before);
      else if (next === undefined) {
        ordered.push(top.event);
        stack.pop();
      }
    }
  }
  return ordered;
}
