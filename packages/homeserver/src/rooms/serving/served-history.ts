import type { Clock } from '../../platform/clock.ts';
import { STANDING, type StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { AskingServers } from './asking-servers.ts';
import { type GraphStores, GraphWalk } from './graph-walk.ts';
import type { HeavyRequests } from './heavy-requests.ts';
import { type PduTexts, transactionText } from './pdu-texts.ts';
import type { ServerVisibility } from './server-visibility.ts';

interface HistoryParts {
  readonly asking: AskingServers;
  readonly stores: GraphStores;
  readonly visibility: ServerVisibility;
  readonly texts: PduTexts;
  readonly heavy: HeavyRequests;
  readonly serverName: string;
  readonly clock: Clock;
}

/** The events that another server has, and those between which and them it misses events. */
export interface MissingEventsQuery {
  readonly latest: readonly string[];
  readonly earliest: readonly string[];
  readonly limit: number | undefined;
  readonly minDepth: number | undefined;
}

const BACKFILL_MAX = 100;
const MISSING_DEFAULT = 10;
const MISSING_MAX = 50;
/** The maximum number of event ids of a request. An event has at most 20 previous events. */
const IDS_MAX = 100;
/** The maximum number of events that a walk visits, rejected ones included. */
const VISITED_MAX = 500;

/** Serves the history of rooms to other servers (server-server API, "Backfilling and retrieving missing events"). */
export class ServedHistory {
  readonly #parts: HistoryParts;

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  /**
   * Returns events and those before them, the latest first, as the JSON text of a transaction.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_LIMIT_EXCEEDED
   */
  async backfill(server: string, roomId: string, eventIds: readonly string[], limit: number): Promise<string> {
    const head = await this.#parts.asking.inRoomAt(roomId, server, eventIds.slice(0, IDS_MAX));
    return this.#parts.heavy.run(async () => {
      const starts = await this.#parts.asking.placed(head, eventIds.slice(0, IDS_MAX));
      const events = await this.#latestFirst(head, starts, Math.min(limit, BACKFILL_MAX));
      return transactionText(this.#parts.serverName, this.#parts.clock.now(), await this.#render(server, head, events));
    });
  }

  /**
   * Returns the events between the latest events of a request, which are left out, and the earliest, as a JSON text. The
   * events nearest to the latest ones are preferred. They are in chronological order.
   * @throws MatrixError M_NOT_FOUND, M_FORBIDDEN, M_LIMIT_EXCEEDED
   */
  async missing(server: string, roomId: string, query: MissingEventsQuery): Promise<string> {
    const head = await this.#parts.asking.inRoomAt(roomId, server, query.latest.slice(0, IDS_MAX));
    return this.#parts.heavy.run(async () => {
      const events = await this.#between(head, query);
      const ordered = events.toSorted((a, b) => a.depth - b.depth || a.num - b.num);
      return `{"events":[${(await this.#render(server, head, ordered)).join(',')}]}`;
    });
  }

  /** Returns events and their ancestors, those with the greatest depth first. */
  async #latestFirst(head: Head, starts: readonly StoredEvent[], limit: number): Promise<StoredEvent[]> {
    const walk = new GraphWalk(this.#parts.stores, head);
    await walk.prepare(starts, limit);
    const seen = new Set(starts.map(({ num }) => num));
    let waiting = [...starts];
    const found: StoredEvent[] = [];
    for (let visited = 0; found.length < limit && visited < VISITED_MAX; visited += 1) {
      waiting.sort((a, b) => a.depth - b.depth || a.num - b.num);
      const event = waiting.pop();
      if (event === undefined) break;
      if (event.standing !== STANDING.rejected) found.push(event);
      const before = (await walk.before(event)).filter(({ num }) => !seen.has(num));
      for (const { num } of before) seen.add(num);
      waiting = [...waiting, ...before];
    }
    return found;
  }

  /** Walks back from the latest events, breadth first. */
  async #between(head: Head, { latest, earliest, limit, minDepth = 0 }: MissingEventsQuery): Promise<StoredEvent[]> {
    const { asking, stores } = this.#parts;
    const max = Math.min(limit ?? MISSING_DEFAULT, MISSING_MAX);
    const [starts, ends] = [latest, earliest].map((ids) => asking.placed(head, ids.slice(0, IDS_MAX)));
    const walk = new GraphWalk(stores, head);
    let level: readonly StoredEvent[] = (await starts) ?? [];
    await walk.prepare(level, max);
    const seen = new Set([...level, ...((await ends) ?? [])].map(({ num }) => num));
    const found: StoredEvent[] = [];
    while (level.length > 0 && found.length < max && seen.size < VISITED_MAX) {
      await walk.load(level);
      const next: StoredEvent[] = [];
      for (const event of level)
        for (const before of await walk.before(event)) {
          if (seen.has(before.num) || before.depth < minDepth) continue;
          seen.add(before.num);
          next.push(before);
        }
      found.push(...next.filter(({ standing }) => standing !== STANDING.rejected).slice(0, max - found.length));
      level = next;
    }
    return found;
  }

  async #render(server: string, head: Head, events: readonly StoredEvent[]): Promise<string[]> {
    const { asking, visibility, texts } = this.#parts;
    const hidden = await visibility.hiddenFrom(server, head, events);
    if (!(await asking.isOutside(head, server))) return texts.of(head.version, events, hidden);
    const readable = await visibility.worldReadable(events);
    const shown = events.filter(({ num }) => readable.has(num));
    return texts.of(head.version, shown, hidden);
  }
}
