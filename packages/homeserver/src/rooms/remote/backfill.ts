import { prevEventIds } from '@hearth/protocol/events/event.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { Clock } from '../../platform/clock.ts';
import { InFlight } from '../../platform/concurrency/in-flight.ts';
import type { Serial } from '../../platform/concurrency/serial.ts';
import type { Log } from '../../platform/monitoring/log.ts';
import type { MissingEvent, MissingEvents } from '../../storage/rooms/events/missing-events.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { TimelineRange } from '../../storage/rooms/events/timeline-store.ts';
import type { BuiltState } from '../graph/state-resolution.ts';
import type { Head } from '../head.ts';
import type { AuthEvents } from '../receive/auth-events.ts';
import type { EventSignatures } from '../receive/event-signatures.ts';
import { type Gaps, inGraphOrder } from '../receive/gaps.ts';
import { type IncomingEvent, readIncoming } from '../receive/incoming.ts';
import { NotReceived } from '../receive/receive-error.ts';
import type { Rules } from '../receive/rules.ts';
import type { EventFetcher } from './event-fetcher.ts';
import type { HistoryPages, OlderEvent } from './history-page.ts';
import type { HistoryGap, HistoryStates } from './history-states.ts';
import type { ServersInRooms } from './servers-in-room.ts';

interface BackfillParts {
  readonly fetcher: EventFetcher;
  readonly servers: ServersInRooms;
  readonly missingEvents: MissingEvents;
  readonly checks: {
    readonly signatures: EventSignatures;
    readonly authEvents: AuthEvents;
    readonly rules: Rules;
    readonly gaps: Gaps;
  };
  readonly states: HistoryStates;
  readonly pages: HistoryPages;
  readonly tools: { readonly clock: Clock; readonly log: Pick<Log, 'info'>; readonly inTurn: Serial<number> };
}

/** The number of events that a server is asked for. */
const PAGE_MAX = 100;
/** The number of servers that are asked for one page. */
const SERVERS_MAX = 5;
/** The number of pages that are fetched for one request of a client. */
const PAGES_MAX = 4;
/** The number of pages that are fetched to reach an event. */
const PAGES_UNTIL_MAX = 10;
/** The number of times that a page is placed while outliers among its events are stored. */
const ATTEMPTS_MAX = 3;
/** A gap that nobody could fill is not tried again within this time. */
const RETRY_MS = 30_000;
const FAILURES_MAX = 10_000;

/** Fetches history from before this server joined a room, and events that it has missed (server-server API, "Backfilling"). */
export class Backfill {
  readonly #parts: BackfillParts;
  readonly #running = new InFlight<string, boolean>();
  /** The gaps that could not be filled lately, with the time of the next attempt. */
  readonly #failed = new Map<string, number>();

  constructor(parts: BackfillParts) {
    this.#parts = parts;
  }

  /**
   * Fetches the events that are missing among the last `limit` events up to a sequence number. Returns false if some are
   * still missing.
   */
  async complete(head: Head, upTo: number, limit: number): Promise<boolean> {
    const { missingEvents } = this.#parts;
    if (!(await missingEvents.isIncomplete(head.num))) return true;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const range = { room: head.num, after: upTo - limit, upTo: upTo + 1 };
      const isFilled = await this.#fillLast(head, range);
      if (isFilled !== true) return isFilled === undefined;
    }
    return true;
  }

  /**
   * Fetches history before the first event of the timeline until it includes an event. Returns false if nobody has it
   * within the limits.
   */
  async until(head: Head, eventId: string): Promise<boolean> {
    const { checks } = this.#parts;
    for (let page = 0; page < PAGES_UNTIL_MAX; page += 1) {
      if ((await checks.gaps.unplaced([eventId])).length === 0) return true;
      const range = { room: head.num, after: 0, upTo: head.row.seq };
      if ((await this.#fillLast(head, range)) !== true) return false;
    }
    return false;
  }

  /**
   * Stores events that a server has answered to another request, if they are the history before one gap without holes.
   * An event must not be stored before the events to which it is related, and those may be in the holes.
   */
  async offer(head: Head, server: string, values: readonly JsonValue[]): Promise<void> {
    const offered = readEvents(head, values);
    const { missingEvents } = this.#parts;
    const seq = await missingEvents.latestSeq(head.num, [...offered.keys()]);
    if (seq === undefined) return;
    const gap = gapIn(await missingEvents.inRange({ room: head.num, after: seq - 1, upTo: seq }, head.version.id));
    if (gap === undefined) return;
    const key = `${head.num}/${gap.follower}`;
    const found = connected(head, gap, offered);
    if ((await this.#parts.checks.gaps.unplaced([...offered.keys()])).some((eventId) => !found.has(eventId))) return;
    await this.#running.run(key, () => this.#place(head, server, gap, found));
  }

  /** Fills the last gap of a range. Returns false if nobody has the events, and undefined if there is no gap. */
  async #fillLast(head: Head, range: TimelineRange): Promise<boolean | undefined> {
    const gap = gapIn(await this.#parts.missingEvents.inRange(range, head.version.id));
    if (gap === undefined) return undefined;
    const key = `${head.num}/${gap.follower}`;
    return this.#running.run(key, () => this.#fill(head, key, gap));
  }

  /** Fills the gap before an event. Returns false if nobody has the events. */
  async #fill(head: Head, key: string, gap: HistoryGap): Promise<boolean> {
    const { fetcher, servers, tools } = this.#parts;
    if ((this.#failed.get(key) ?? 0) > tools.clock.elapsed()) return false;
    for (const server of (await servers.others(head)).slice(0, SERVERS_MAX)) {
      try {
        const values = await fetcher.backfill(server, head.roomId, gap.eventIds, PAGE_MAX);
        if (await this.#place(head, server, gap, readEvents(head, values))) return true;
      } catch (error) {
        if (!(error instanceof FederationError || error instanceof NotReceived)) throw error;
        tools.log.info('another server did not answer history', {
          roomId: head.roomId,
          server,
          reason: error.message,
        });
      }
    }
    if (this.#failed.size > FAILURES_MAX) this.#failed.clear();
    this.#failed.set(key, tools.clock.elapsed() + RETRY_MS);
    return false;
  }

  /** Stores events in a gap. Returns false if none of the missing events is among them. */
  async #place(
    head: Head,
    server: string,
    gap: HistoryGap,
    fetched: ReadonlyMap<string, IncomingEvent>,
  ): Promise<boolean> {
    const { checks, tools } = this.#parts;
    if (!gap.eventIds.some((id) => fetched.has(id))) return false;
    const unplaced = new Set(await checks.gaps.unplaced([...fetched.keys()]));
    const wanted = [...fetched.values()].filter(({ eventId }) => unplaced.has(eventId));
    const ordered = inGraphOrder(wanted, (one) => prevEventIds(one.pdu, head.version));
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const page = await this.#placed(head, server, gap, ordered);
      if (page.length === 0) return false;
      if (await tools.inTurn.run(head.num, () => this.#store(head, page, gap.seq))) return true;
    }
    return false;
  }

  /**
   * Stores those events of a page that have no place yet. Returns false, and stores nothing, if some have been stored as
   * outliers meanwhile: as auth events, or as a part of the state of the room.
   */
  async #store(head: Head, page: readonly OlderEvent[], seq: number): Promise<boolean> {
    const { checks, pages } = this.#parts;
    const still = new Set(await checks.gaps.unplaced(page.map(({ incoming }) => incoming.eventId)));
    const left = page.filter(({ incoming }) => still.has(incoming.eventId));
    if (!(await pages.areNumbersValid(head, left))) return false;
    if (left.length > 0) await pages.store(head, left, seq);
    return true;
  }

  /** Returns the events with the states before them. Events without valid signatures or auth events are left out. */
  async #placed(head: Head, server: string, gap: HistoryGap, ordered: readonly IncomingEvent[]): Promise<OlderEvent[]> {
    const { checks, pages, states } = this.#parts;
    const page: OlderEvent[] = [];
    const after = new Map<string, BuiltState>();
    const implied = await states.implied(head, gap, ordered);
    const numbers = await pages.numbered(head, ordered);
    for (const [i, incoming] of ordered.entries()) {
      const given = numbers[i];
      // Servers choose the event ids of room versions 1 and 2, so that an event of another room may have the id.
      if (given?.outlier !== undefined && given.outlier.room !== head.num) continue;
      if (given === undefined || (await checks.signatures.refusal(incoming, head.version)) !== undefined) continue;
      try {
        const auth = await checks.authEvents.of(head, incoming, server);
        const before = await states.before(head, server, incoming, { implied, after });
        const isRejected = await this.#isRejected(head, incoming, auth, before);
        page.push({ incoming, auth, before, isRejected, numbers: given });
        after.set(incoming.eventId, isRejected ? before : await pages.stateAfter(head, incoming, before, given.num));
      } catch (error) {
        if (!(error instanceof NotReceived || error instanceof FederationError)) throw error;
      }
    }
    return page;
  }

  async #isRejected(
    head: Head,
    incoming: IncomingEvent,
    auth: readonly StoredEvent[],
    before: BuiltState,
  ): Promise<boolean> {
    if (incoming.pdu.type === 'm.room.create') return (await head.state('m.room.create'))?.eventId !== incoming.eventId;
    return (await this.#parts.checks.rules.refusal(head, incoming, { auth, before })) !== undefined;
  }
}

/** Returns the last of the gaps to which missing events belong. */
function gapIn(missing: readonly MissingEvent[]): HistoryGap | undefined {
  const [latest] = missing;
  if (latest === undefined) return undefined;
  const { follower, seq } = latest;
  return { eventIds: missing.filter((one) => one.seq === seq).map(({ eventId }) => eventId), follower, seq };
}

/** Returns the valid events of a room among the values that a server has answered, by event id. */
function readEvents(head: Head, values: readonly JsonValue[]): Map<string, IncomingEvent> {
  const read = new Map<string, IncomingEvent>();
  for (const value of values) {
    const { incoming } = readIncoming(value, head.version);
    if (incoming?.roomId === head.roomId) read.set(incoming.eventId, incoming);
  }
  return read;
}

/** Returns those events that lead to a gap without another missing event between them and the gap. */
function connected(
  head: Head,
  gap: HistoryGap,
  events: ReadonlyMap<string, IncomingEvent>,
): Map<string, IncomingEvent> {
  const found = new Map<string, IncomingEvent>();
  const waiting = [...gap.eventIds];
  for (let eventId = waiting.pop(); eventId !== undefined; eventId = waiting.pop()) {
    const event = events.get(eventId);
    if (event === undefined || found.has(eventId)) continue;
    found.set(eventId, event);
    waiting.push(...prevEventIds(event.pdu, head.version));
  }
  return found;
}
