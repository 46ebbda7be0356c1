import { authEventIds } from '@hearth/protocol/events/event.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import { FederationError } from '../../federation/client/federation-error.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { EventFetcher } from '../remote/event-fetcher.ts';
import { type IncomingEvent, readIncoming } from './incoming.ts';
import type { Outliers } from './outliers.ts';
import { NotReceived } from './receive-error.ts';

/** The number of auth events that are fetched one by one for one event. */
const FETCHED_MAX = 100;

/** Finds the auth events of events of other servers. */
export class AuthEvents {
  readonly #events: EventStore;
  readonly #outliers: Outliers;
  readonly #fetcher: EventFetcher;

  constructor(events: EventStore, outliers: Outliers, fetcher: EventFetcher) {
    this.#events = events;
    this.#outliers = outliers;
    this.#fetcher = fetcher;
  }

  /** Returns the auth events, and fetches those that are missing. @throws NotReceived if one cannot be fetched */
  async of(head: Head, { pdu, eventId }: IncomingEvent, server: string): Promise<StoredEvent[]> {
    const wanted = authEventIds(pdu, head.version);
    let nums = await this.#events.numsOf(wanted);
    if (wanted.some((id) => !nums.has(id))) {
      const isAnswered = await this.#fetchChain(head, eventId, server);
      nums = await this.#events.numsOf(wanted);
      if (!isAnswered || wanted.some((id) => !nums.has(id))) {
        await this.#fetchSingly(head, wanted, server);
        nums = await this.#events.numsOf(wanted);
      }
    }
    const absent = wanted.find((id) => !nums.has(id));
    if (absent !== undefined) throw new NotReceived(`the auth event ${absent} is missing`, false, absent);
    return this.#events.list(wanted.flatMap((id) => nums.get(id) ?? []));
  }

  /** Stores the auth chain that a server answers. Returns false if it does not answer one. */
  async #fetchChain(head: Head, eventId: string, server: string): Promise<boolean> {
    try {
      await this.#outliers.store(head, [...(await this.#fetcher.authChain(server, head.roomId, eventId))]);
      return true;
    } catch (error) {
      if (error instanceof FederationError) return false;
      throw error;
    }
  }

  /** Fetches events and their auth chains one by one, and stores those that are complete. */
  async #fetchSingly(head: Head, eventIds: readonly string[], server: string): Promise<void> {
    const fetched = new Map<string, IncomingEvent>();
    const asked = new Set<string>();
    let open = [...eventIds];
    while (open.length > 0 && asked.size < FETCHED_MAX) {
      const known = await this.#events.numsOf(open);
      const absent = open.filter((id) => !known.has(id) && !asked.has(id)).slice(0, FETCHED_MAX - asked.size);
      for (const id of absent) asked.add(id);
      const values = await Promise.all(absent.map((id) => this.#fetchEvent(server, id)));
      open = [];
      for (const value of values) {
        const { incoming } = readIncoming(value, head.version);
        if (incoming === undefined || !asked.has(incoming.eventId)) continue;
        fetched.set(incoming.eventId, incoming);
        open.push(...authEventIds(incoming.pdu, head.version));
      }
    }
    await this.#outliers.store(
      head,
      [...fetched.values()].map(({ pdu }) => pdu),
    );
  }

  async #fetchEvent(server: string, eventId: string): Promise<JsonValue | undefined> {
    try {
      return await this.#fetcher.event(server, eventId);
    } catch (error) {
      if (error instanceof FederationError && error.kind === 'refused') return undefined;
      throw error;
    }
  }
}
