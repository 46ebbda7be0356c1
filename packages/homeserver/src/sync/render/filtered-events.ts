import type { Pdu } from '@hearth/protocol/events/event.ts';
import type { Lookups } from '../../platform/lookups/lookups.ts';
import { queried, type Source } from '../../platform/lookups/source.ts';
import type { Reader } from '../../rooms/access.ts';
import { type PduDeps, pdusOf } from '../../rooms/events/pdu.ts';
import type { Head } from '../../rooms/head.ts';
import type { Heads } from '../../rooms/heads.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import { SYNC_FORMAT } from '../../timeline/render/client-form.ts';
import type { EventRenderer, Shown } from '../../timeline/render/event-renderer.ts';
import type { SyncFilter } from '../sync-filter.ts';
import { selectTexts } from './select-fields.ts';

interface Parts {
  readonly heads: Heads;
  readonly renderer: EventRenderer;
  readonly pdus: PduDeps;
}

/** An event with the id of its room, for the form in which servers exchange events. */
interface EventOfRoom {
  readonly head: Head;
  readonly event: StoredEvent;
}

/**
 * Renders events in the form that a filter requests (client-server API, "Filtering", `event_format`, `event_fields`).
 */
export class FilteredEvents {
  readonly #parts: Parts;
  readonly #pdus: Source<EventOfRoom, Pdu | undefined>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#pdus = queried(
      ({ event }) => event.num,
      async (keys) => {
        const found = new Map<number, Pdu>();
        for (const [head, some] of Map.groupBy(keys, (key) => key.head)) {
          const events = some.map(({ event }) => event);
          const pdus = await pdusOf(parts.pdus, head.version, events);
          for (const [i, pdu] of pdus.entries()) found.set(events[i]?.num ?? 0, pdu);
        }
        return ({ event }) => found.get(event.num);
      },
    );
  }

  texts(
    lookups: Lookups,
    reader: Reader,
    { federationFormat, fields }: SyncFilter,
    shown: readonly Shown[],
  ): readonly string[] {
    if (shown.length === 0) return [];
    const texts = federationFormat
      ? this.#federationTexts(lookups, shown)
      : this.#parts.renderer.texts(lookups, reader, shown, SYNC_FORMAT);
    return selectTexts(texts, fields);
  }

  #federationTexts(lookups: Lookups, shown: readonly Shown[]): readonly string[] {
    const texts = lookups.each(shown, ({ event }) => {
      const head = lookups.get(this.#parts.heads.source, event.room);
      const pdu = head && lookups.get(this.#pdus, { head, event });
      return pdu === undefined ? '' : JSON.stringify(pdu);
    });
    return texts.filter((text) => text !== '');
  }
}
