import { ConcurrentChanges } from '../../../platform/caches/concurrent-changes.ts';
import { NOT_LOADED, type Source } from '../../../platform/lookups/source.ts';
import { type Database, sql } from '../../engine/database.ts';
import type { Names } from '../../engine/names.ts';
import { AGGREGATED, type Aggregated, Aggregations, isLater, isValidEdit, type Replies } from './aggregations.ts';
import { eventIdOfStored, type StoredEvent } from './stored-event.ts';

/** The condition for children that are in the timeline and not redacted. */
const SHOWN = 'e.redacted_by IS NULL AND e.seq IS NOT NULL';
const readKinds = sql('SELECT DISTINCT parent, rel_type FROM relations WHERE parent IN @list AND rel_type IN @list');
const readReplies = sql(
  `SELECT r.parent, e.sender, MAX(e.num) AS seen,
     COUNT(CASE WHEN ${SHOWN} THEN 1 END) AS count, MAX(CASE WHEN ${SHOWN} THEN e.num END) AS latest,
     COALESCE(MAX(e.redacted_by), 0) AS redacted
   FROM relations r JOIN events e ON e.num = r.child WHERE r.parent IN @list AND r.rel_type = ? GROUP BY r.parent, e.sender`,
);
const readReferences = sql(
  `SELECT r.parent, e.num, e.sender, e.id, m.version
   FROM relations r JOIN events e ON e.num = r.child JOIN rooms m ON m.num = e.room
   WHERE r.parent IN @list AND r.rel_type = ? AND ${SHOWN} ORDER BY r.parent, e.num`,
);
/** The query for possible edits. Only the content shows whether an edit is valid. */
const readEdits = sql(
  `SELECT r.parent, e.num, e.ts, e.id, m.version
   FROM relations r JOIN events p ON p.num = r.parent JOIN events e ON e.num = r.child JOIN rooms m ON m.num = e.room
   WHERE r.parent IN @list AND r.rel_type = ? AND ${SHOWN} AND e.sender = p.sender AND e.type = p.type
     AND e.state_key IS NULL AND p.state_key IS NULL`,
);

/** The cache of events. */
interface Events {
  cached(num: number): StoredEvent | undefined;
  load(nums: Iterable<number>): Promise<ReadonlyMap<number, StoredEvent>>;
}

/** Computes the aggregations of events, once for each cached event, and updates them with each new relation. */
export class AggregationStore {
  readonly #database: Database;
  readonly #names: Names;
  readonly #events: Events;
  /** The events whose children change while queries run. */
  readonly #concurrent = new ConcurrentChanges();
  #types: ReadonlyMap<Aggregated, number> | undefined;

  /** The aggregations of events; `null` for an event without any. */
  readonly source: Source<StoredEvent, Aggregations | null> = {
    peek: ({ aggregations }) => (aggregations === undefined ? NOT_LOADED : aggregations),
    load: async (events) => {
      await this.lookUp(events);
      return ({ aggregations }) => aggregations ?? null;
    },
  };

  constructor(database: Database, names: Names, events: Events) {
    this.#database = database;
    this.#names = names;
    this.#events = events;
  }

  /** Computes the missing aggregations of some events with a few queries for all. */
  async lookUp(events: readonly StoredEvent[]): Promise<void> {
    for (;;) {
      const unknown = events.filter(({ aggregations }) => aggregations === undefined);
      if (unknown.length === 0) return;
      await this.#concurrent.run(
        () => this.#read(unknown),
        (found, changed) => {
          for (const event of unknown) {
            // The aggregation of an event that has changed concurrently is computed again.
            if (event.aggregations === undefined && !changed.has(event.num)) {
              event.aggregations = found.get(event.num) ?? null;
            }
          }
        },
      );
    }
  }

  /** Adds a new child to the aggregation of a cached parent. The caller calls it after the commit. */
  added(child: StoredEvent, relType: Aggregated, parent: number): void {
    this.#concurrent.changed(parent);
    const event = this.#events.cached(parent);
    if (event?.aggregations === undefined) return;
    const aggregations = event.aggregations ?? new Aggregations();
    if (relType === 'm.thread') aggregations.addReply(child);
    else if (relType === 'm.reference') aggregations.addReference(child);
    else if (isValidEdit(child, event)) aggregations.addEdit(child);
    event.aggregations = aggregations;
  }

  /**
   * Removes a redacted child from the aggregation of a cached parent, or discards the aggregation. The caller calls it
   * after the commit.
   */
  removed(child: StoredEvent, relType: Aggregated, parent: number): void {
    this.#concurrent.changed(parent);
    const event = this.#events.cached(parent);
    if (event?.aggregations?.remove(child, relType) === false) event.aggregations = undefined;
  }

  async #read(events: readonly StoredEvent[]): Promise<ReadonlyMap<number, Aggregations>> {
    const types = await this.#relationTypes();
    const nums = events.map(({ num }) => num);
    const kinds = await this.#database.all<{ parent: number; rel_type: number }>(readKinds, nums, [...types.values()]);
    const found = new Map<number, Aggregations>();
    for (const { parent } of kinds) if (!found.has(parent)) found.set(parent, new Aggregations());
    const of = (relType: Aggregated) => {
      const type = types.get(relType) ?? 0;
      const parents = kinds.filter(({ rel_type }) => rel_type === type).map(({ parent }) => parent);
      return { type, parents };
    };
    await Promise.all([
      this.#readReplies(of('m.thread'), found),
      this.#readReferences(of('m.reference'), found),
      this.#readEdits(of('m.replace'), events, found),
    ]);
    return found;
  }

  async #readReplies({ type, parents }: Kind, found: ReadonlyMap<number, Aggregations>): Promise<void> {
    if (parents.length === 0) return;
    const rows = await this.#database.all<Replies & { parent: number; sender: number }>(readReplies, parents, type);
    for (const { parent, sender, ...replies } of rows) found.get(parent)?.setReplies(sender, replies);
  }

  async #readReferences({ type, parents }: Kind, found: ReadonlyMap<number, Aggregations>): Promise<void> {
    if (parents.length === 0) return;
    const rows = await this.#database.all<IdRow & { sender: number }>(readReferences, parents, type);
    for (const row of rows)
      found.get(row.parent)?.addReference({ num: row.num, senderNum: row.sender, eventId: eventIdOf(row) });
  }

  /** Returns the latest valid edit of each parent. It rarely has to examine more than one edit. */
  async #readEdits(
    { type, parents }: Kind,
    events: readonly StoredEvent[],
    found: ReadonlyMap<number, Aggregations>,
  ): Promise<void> {
    if (parents.length === 0) return;
    const rows = await this.#database.all<IdRow & { ts: number }>(readEdits, parents, type);
    const edits = rows.map((row) => ({ parent: row.parent, num: row.num, ts: row.ts, eventId: eventIdOf(row) }));
    const byNum = new Map(events.map((event) => [event.num, event]));
    const left = Map.groupBy(edits, ({ parent }) => parent);
    for (const list of left.values()) list.sort((a, b) => (isLater(a, b) ? 1 : -1));
    while (left.size > 0) {
      const loaded = await this.#events.load([...left.values()].flatMap((list) => list.at(-1)?.num ?? []));
      for (const [num, list] of left) {
        const [edit, parent] = [loaded.get(list.pop()?.num ?? 0), byNum.get(num)];
        const isValid = edit !== undefined && parent !== undefined && isValidEdit(edit, parent);
        if (isValid) found.get(num)?.addEdit(edit);
        if (isValid || list.length === 0) left.delete(num);
      }
    }
  }

  async #relationTypes(): Promise<ReadonlyMap<Aggregated, number>> {
    if (this.#types === undefined) {
      const nums = await this.#names.nums(AGGREGATED);
      this.#types = new Map(AGGREGATED.map((type) => [type, nums.get(type) ?? 0]));
    }
    return this.#types;
  }
}

/** The parents of one relation type, and the number of the type. */
interface Kind {
  readonly type: number;
  readonly parents: readonly number[];
}

interface IdRow {
  parent: number;
  num: number;
  id: Uint8Array;
  version: string;
}

function eventIdOf({ id, version }: IdRow): string {
  return eventIdOfStored(id, version);
}
