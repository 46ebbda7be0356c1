import { complete, type Lookups } from '../../platform/lookups/lookups.ts';
import type { AggregationStore } from '../../storage/rooms/events/aggregation-store.ts';
import type { Aggregations } from '../../storage/rooms/events/aggregations.ts';
import type { EventStore } from '../../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { VisibleChildren } from './visible-children.ts';

interface Parts {
  readonly events: EventStore;
  readonly aggregations: AggregationStore;
  readonly children: VisibleChildren;
}

interface BundleReader {
  readonly user: number;
  readonly ignored: ReadonlySet<number>;
}

/**
 * The aggregations of one event (client-server API, "Aggregations of child events"), with the events that they contain.
 */
export interface Bundle {
  readonly edit?: StoredEvent;
  readonly references?: readonly string[];
  readonly thread?: { readonly latest: StoredEvent; readonly count: number; readonly participated: boolean };
}

const NONE: ReadonlyMap<number, Bundle> = new Map();

/** Reads aggregations of events. Only children that the reader may see count. */
export class Bundles {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Returns the aggregations of events, by the numbers of the events. */
  bundlesFor(events: readonly StoredEvent[], reader: BundleReader): Promise<ReadonlyMap<number, Bundle>> {
    return complete((lookups) => this.bundles(lookups, events, reader));
  }

  /** Returns the same as {@link bundlesFor}. */
  bundles(lookups: Lookups, events: readonly StoredEvent[], reader: BundleReader): ReadonlyMap<number, Bundle> {
    const all = lookups.all(this.#parts.aggregations.source, events);
    const parents = events.filter((_, i) => all[i] !== null);
    if (parents.length === 0) return NONE;
    const own = this.#parts.children.aggregations(lookups, reader.user, parents);
    const bundles = new Map<number, Bundle>();
    lookups.each(parents, (parent) => {
      const one = summary(parent, own.get(parent.num) ?? parent.aggregations, reader);
      if (one !== undefined) bundles.set(parent.num, this.#bundle(lookups, one));
    });
    return bundles;
  }

  #bundle(lookups: Lookups, { edit, references, thread }: Summary): Bundle {
    const [edited, latest] = lookups.each([edit, thread?.latest], (num) =>
      num === undefined ? undefined : lookups.get(this.#parts.events.source, num),
    );
    return {
      ...(edited === undefined ? {} : { edit: edited }),
      ...(references.length === 0 ? {} : { references }),
      ...(thread === undefined || latest === undefined ? {} : { thread: { ...thread, latest } }),
    };
  }
}

/** A {@link Bundle} with numbers in place of events. */
type Summary = NonNullable<ReturnType<typeof summary>>;

function summary(parent: StoredEvent, aggregations: Aggregations | null | undefined, { user, ignored }: BundleReader) {
  if (aggregations === null || aggregations === undefined) return undefined;
  const isEditable = parent.redactedBy === null && !ignored.has(parent.senderNum);
  const thread = aggregations.thread(user, ignored);
  return {
    edit: isEditable ? aggregations.edit : undefined,
    references: aggregations.references(ignored),
    thread: thread && { ...thread, participated: thread.participated || parent.senderNum === user },
  };
}
