import type { AggregationStore } from '../storage/rooms/events/aggregation-store.ts';
import type { Aggregations } from '../storage/rooms/events/aggregations.ts';
import type { EventStore } from '../storage/rooms/events/event-store.ts';
import type { StoredEvent } from '../storage/rooms/events/stored-event.ts';
import { readerAggregations, type VisibleChildrenDeps } from './visible-children.ts';

/** The stores that bundling reads. */
export interface BundleDeps extends VisibleChildrenDeps {
  readonly events: EventStore;
  readonly aggregations: AggregationStore;
}

interface BundleReader {
  readonly user: number;
  readonly ignored: ReadonlySet<number>;
}

/** The aggregations of one event (client-server API, "Aggregations of child events"), with the events they show. */
export interface Bundle {
  readonly edit?: StoredEvent;
  readonly references?: readonly string[];
  readonly thread?: { readonly latest: StoredEvent; readonly count: number; readonly participated: boolean };
}

/**
 * The aggregations of many events, with a few queries for all that relates to them and one for the events they show. Only
 * children that the reader may see count.
 */
export async function bundlesOf(
  deps: BundleDeps,
  events: readonly StoredEvent[],
  reader: BundleReader,
): Promise<ReadonlyMap<number, Bundle>> {
  await deps.aggregations.lookUp(events);
  const parents = events.filter(({ aggregations }) => aggregations !== null && aggregations !== undefined);
  if (parents.length === 0) return new Map();
  const own = await readerAggregations(deps, reader.user, parents);
  const summaries = parents.flatMap(
    (parent) => summary(parent, own.get(parent.num) ?? parent.aggregations, reader) ?? [],
  );
  const shown = await deps.events.load(
    summaries.flatMap(({ edit, thread }) => [edit ?? [], thread?.latest ?? []].flat()),
  );
  return new Map(summaries.map((each) => [each.parent, bundle(each, shown)] as const));
}

/** As {@link Bundle}, with numbers in place of events. */
type Summary = NonNullable<ReturnType<typeof summary>>;

function summary(parent: StoredEvent, aggregations: Aggregations | null | undefined, { user, ignored }: BundleReader) {
  if (aggregations === null || aggregations === undefined) return undefined;
  const isEditable = parent.redactedBy === null && !ignored.has(parent.senderNum);
  const thread = aggregations.thread(user, ignored);
  return {
    parent: parent.num,
    edit: isEditable ? aggregations.edit : undefined,
    references: aggregations.references(ignored),
    thread: thread && { ...thread, participated: thread.participated || parent.senderNum === user },
  };
}

function bundle({ edit, references, thread }: Summary, shown: ReadonlyMap<number, StoredEvent>): Bundle {
  const [edited, latest] = [shown.get(edit ?? 0), shown.get(thread?.latest ?? 0)];
  return {
    ...(edited === undefined ? {} : { edit: edited }),
    ...(references.length === 0 ? {} : { references }),
    ...(thread === undefined || latest === undefined ? {} : { thread: { ...thread, latest } }),
  };
}
