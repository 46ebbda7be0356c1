import { authEventIds } from '@hearth/protocol/events/event.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';
import type { EventFetcher } from '../remote/event-fetcher.ts';
import type { IncomingEvent } from './incoming.ts';
import type { Outliers } from './outliers.ts';
import { NotReceived } from './receive-error.ts';

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
      await this.#outliers.store(head, [...(await this.#fetcher.authChain(server, head.roomId, eventId))]);
      nums = await this.#events.numsOf(wanted);
    }
    for (const absent of wanted.filter((id) => !nums.has(id))) {
      const value = await this.#fetcher.event(server, absent);
      if (value !== undefined) await this.#outliers.store(head, [value]);
    }
    nums = await this.#events.numsOf(wanted);
    const absent = wanted.find((id) => !nums.has(id));
    if (absent !== undefined) throw new NotReceived(`the auth event ${absent} is missing`, false);
    return this.#events.list(wanted.flatMap((id) => nums.get(id) ?? []));
  }
}
