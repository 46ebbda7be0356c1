import type { EventStore } from '../storage/event-store.ts';
import type { Names } from '../storage/names.ts';
import { BUNDLED, type RelationStore } from '../storage/relation-store.ts';
import type { StoredEvent } from '../storage/stored-event.ts';

/** What bundling reads. */
export interface BundleDeps {
  readonly names: Names;
  readonly events: EventStore;
  readonly relations: RelationStore;
}

/** The aggregations of one event (client-server API, "Aggregations of child events"), with the events they show. */
export interface Bundle {
  readonly edit?: StoredEvent;
  readonly references?: readonly string[];
  readonly thread?: { readonly latest: StoredEvent; readonly count: number; readonly participated: boolean };
}

/** The aggregations of many events, with at most one query for relations and one for events. */
export async function bundlesOf(
  deps: BundleDeps,
  events: readonly StoredEvent[],
  reader: { readonly user: number; readonly ignored: ReadonlySet<number> },
): Promise<ReadonlyMap<number, Bundle>> {
  const candidates = events.filter(({ children }) => children === undefined || children.length > 0);
  if (candidates.length === 0) return new Map();
  const types = await relationTypes(deps.names);
  await deps.relations.lookUp(candidates, [...types.values()]);
  const parents = candidates.filter(({ children }) => children !== undefined && children.length > 0);
  if (parents.length === 0) return new Map();
  const children = await deps.events.load(parents.flatMap((event) => (event.children ?? []).map(({ child }) => child)));
  return new Map(
    parents.map((parent) => {
      const related = (relType: string) =>
        (parent.children ?? []).flatMap((row) => {
          const child = row.rel_type === types.get(relType) ? children.get(row.child) : undefined;
          return child === undefined || child.redactedBy !== null || reader.ignored.has(child.senderNum) ? [] : [child];
        });
      return [parent.num, bundle(parent, related, reader.user)] as const;
    }),
  );
}

async function relationTypes(names: Names): Promise<ReadonlyMap<string, number>> {
  const types = new Map<string, number>();
  for (const type of BUNDLED) types.set(type, names.cachedNum(type) ?? (await names.num(type)));
  return types;
}

function bundle(parent: StoredEvent, related: (relType: string) => StoredEvent[], user: number): Bundle {
  const references = related('m.reference').map(({ eventId }) => eventId);
  const replies = related('m.thread');
  const latest = replies.at(-1);
  const edit = parent.redactedBy === null ? latestEdit(parent, related('m.replace')) : undefined;
  return {
    ...(edit === undefined ? {} : { edit }),
    ...(references.length === 0 ? {} : { references }),
    ...(latest === undefined
      ? {}
      : {
          thread: {
            latest,
            count: replies.length,
            participated: parent.senderNum === user || replies.some(({ senderNum }) => senderNum === user),
          },
        }),
  };
}

/** The edit that counts (client-server API, "Validity of replacement events"): the latest by `origin_server_ts`. */
function latestEdit(parent: StoredEvent, edits: readonly StoredEvent[]): StoredEvent | undefined {
  if (parent.isState) return undefined;
  const valid = edits.filter(
    (edit) =>
      edit.senderNum === parent.senderNum &&
      edit.typeNum === parent.typeNum &&
      !edit.isState &&
      (edit.content['m.new_content'] !== undefined || edit.type === 'm.room.encrypted'),
  );
  return valid.reduce<StoredEvent | undefined>(
    (latest, edit) =>
      latest === undefined || edit.ts > latest.ts || (edit.ts === latest.ts && edit.eventId > latest.eventId)
        ? edit
        : latest,
    undefined,
  );
}
