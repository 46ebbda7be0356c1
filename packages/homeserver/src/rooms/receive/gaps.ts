import { prevEventIds } from '@hearth/protocol/events/event.ts';
import type { RoomVersion } from '@hearth/protocol/room-versions/rules.ts';
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
    const { version } = head;
    const found = new Map<string, IncomingEvent>();
    const direct = new Set(prevEventIds(incoming.pdu, version));
    const earliest = head.extremities.map(({ eventId }) => eventId);
    const entryDepth = await this.#entryDepth(head);
    let minDepth = entryDepth;
    let open = [incoming];
    for (let request = 0; request < REQUESTS_MAX && open.length > 0; request += 1) {
      const latest = open.map(({ eventId }) => eventId);
      const { fetched, isValid } = await this.#fetch(head, server, { earliest, latest, minDepth });
      const news = fetched.filter(({ eventId }) => eventId !== incoming.eventId && !found.has(eventId));
      for (const one of news) found.set(one.eventId, one);
      // A server that has answered fewer events than it may has no more.
      const isEnd = news.length === 0 || fetched.length < MISSING_MAX;
      if (isEnd && isValid && minDepth > 0 && (await this.#unknown(direct, found)).length > 0) {
        // The branch began before this server came into the room. Only its last events are needed.
        minDepth = 0;
        open = [incoming];
      } else if (isEnd || minDepth === 0) break;
      else open = await this.#openIn([incoming, ...found.values()], found, version);
    }
    const needed = await this.#neededFor(incoming, found, { version, entryDepth });
    return inGraphOrder(needed, (one) => prevEventIds(one.pdu, version));
  }

  /**
   * Returns the depth of the event by which this server came into the room. Branches may have begun long before the
   * forward extremities, but earlier events are history.
   */
  async #entryDepth(head: Head): Promise<number> {
    const first = await this.#timelines.first(head.num);
    return first === undefined ? 0 : ((await this.#events.one(first))?.depth ?? 0);
  }

  async #unknown(eventIds: Iterable<string>, found: ReadonlyMap<string, IncomingEvent>): Promise<string[]> {
    return this.unplaced([...eventIds].filter((eventId) => !found.has(eventId)));
  }

  /** Returns the events that follow events which are neither stored nor found. */
  async #openIn(
    events: readonly IncomingEvent[],
    found: ReadonlyMap<string, IncomingEvent>,
    version: RoomVersion,
  ): Promise<IncomingEvent[]> {
    const unknown = new Set(
      await this.#unknown(new Set(events.flatMap(({ pdu }) => prevEventIds(pdu, version))), found),
    );
    return events.filter(({ pdu }) => prevEventIds(pdu, version).some((eventId) => unknown.has(eventId)));
  }

  /**
   * Returns those of the found events that lead from known events to another. Servers may also answer the history before
   * the known events, which must not be taken for new events.
   */
  async #neededFor(
    incoming: IncomingEvent,
    found: ReadonlyMap<string, IncomingEvent>,
    { version, entryDepth }: { readonly version: RoomVersion; readonly entryDepth: number },
  ): Promise<IncomingEvent[]> {
    const unplaced = new Set(await this.unplaced([...found.keys()]));
    const needed = new Set<IncomingEvent>();
    const waiting = [incoming];
    for (let event = waiting.pop(); event !== undefined; event = waiting.pop()) {
      for (const eventId of prevEventIds(event.pdu, version)) {
        const before = found.get(eventId);
        if (before === undefined || needed.has(before) || !unplaced.has(eventId)) continue;
        if (before.pdu.depth < entryDepth && event !== incoming) continue;
        needed.add(before);
        waiting.push(before);
      }
    }
    return [...needed];
  }

  /**
   * Returns the events that a server answers. If some of them are not valid, or the server does not answer, it is of no
   * use to ask it for earlier ones.
   */
  async #fetch(
    head: Head,
    server: string,
    between: { readonly earliest: readonly string[]; readonly latest: readonly string[]; readonly minDepth: number },
  ): Promise<{ readonly fetched: readonly IncomingEvent[]; readonly isValid: boolean }> {
    try {
      const values = await this.#fetcher.missingEvents(server, head.roomId, between);
      const fetched = values.flatMap((value) => {
        const { incoming } = readIncoming(value, head.version);
        return incoming?.roomId === head.roomId ? [incoming] : [];
      });
      return { fetched, isValid: fetched.length === values.length };
    } catch (error) {
      if (error instanceof FederationError) return { fetched: [], isValid: false };
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
