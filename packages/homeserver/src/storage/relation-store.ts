import { Meanwhile } from '../platform/meanwhile.ts';
import { type Database, sql, type Write, write } from './database.ts';
import type { RelationRow, StoredEvent } from './stored-event.ts';

const insert = sql(
  'INSERT INTO relations (parent, rel_type, child) VALUES (?, ?, ?) ON CONFLICT (parent, rel_type, child) DO NOTHING',
);
const touchThread = sql(
  'INSERT INTO threads (room, root, latest) VALUES (?, ?, ?) ON CONFLICT (room, root) DO UPDATE SET latest = excluded.latest',
);
const remove = sql('DELETE FROM relations WHERE child = ?');
const readChildren = sql(
  'SELECT parent, rel_type, child FROM relations WHERE parent IN @list AND rel_type IN @list ORDER BY parent, rel_type, child',
);
const readAllChildren = sql('SELECT parent, rel_type, child FROM relations WHERE parent IN @list');
const readThreads = sql('SELECT root, latest FROM threads WHERE room = ? AND latest < ? ORDER BY latest DESC LIMIT ?');
const readBySender = sql(
  'SELECT r.child FROM relations r JOIN events e ON e.num = r.child WHERE r.parent = ? AND r.rel_type = ? AND e.type = ? AND e.sender = ?',
);
const pageOf = (order: string) =>
  sql(
    `SELECT r.child FROM relations r JOIN events e ON e.num = r.child
     WHERE r.parent IN @list AND r.rel_type BETWEEN ? AND ? AND e.type BETWEEN ? AND ? AND r.child > ? AND r.child < ?
     ORDER BY r.child ${order} LIMIT ?`,
  );
const readPage = pageOf('ASC');
const readPageBack = pageOf('DESC');

/** Relations that are shown with their parent (client-server API, "Aggregations of child events"). */
export const BUNDLED = ['m.replace', 'm.reference', 'm.thread'] as const;

/** Which children, as numbers of `names.ts`. */
export interface RelationFilter {
  readonly relType?: number | undefined;
  readonly type?: number | undefined;
}

/** Which events relate to which (client-server API, "Relationship API"). */
export class RelationStore {
  readonly #database: Database;
  /** Which events have had more children while others are looked up. */
  readonly #meanwhile = new Meanwhile();

  constructor(database: Database) {
    this.#database = database;
  }

  insert(relation: { parent: number; relType: number; child: number; room: number; isThread: boolean }): Write[] {
    const { parent, relType, child, room, isThread } = relation;
    const writes = [write(insert, parent, relType, child)];
    if (isThread) writes.push(write(touchThread, room, parent, child));
    return writes;
  }

  /** A redacted event no longer relates to anything, except that a redacted reply still belongs to its thread. */
  redacted(event: StoredEvent, relType: string | undefined): Write[] {
    return relType === undefined || relType === 'm.thread' ? [] : [write(remove, event.num)];
  }

  /** All children of many events under some relation types, in stream order. */
  children(parents: readonly number[], relTypes: readonly number[]): Promise<RelationRow[]> {
    return this.#database.all<RelationRow>(readChildren, parents, relTypes);
  }

  /** Looks up the children of those events of which nobody has yet, under the types that are bundled. */
  async lookUp(events: readonly StoredEvent[], relTypes: readonly number[]): Promise<void> {
    for (;;) {
      const unknown = events.filter(({ children }) => children === undefined);
      if (unknown.length === 0) return;
      const nums = unknown.map(({ num }) => num);
      await this.#meanwhile.run(
        () => this.children(nums, relTypes),
        (rows, changed) => {
          const byParent = Map.groupBy(rows, ({ parent }) => parent);
          // An event that has had a child meanwhile is read again.
          for (const event of unknown) if (!changed.has(event.num)) event.children ??= byParent.get(event.num) ?? [];
        },
      );
    }
  }

  /** A parent, if it is in memory, learns of a new child under a type that is bundled. Call this after the commit. */
  added(row: RelationRow, parent: StoredEvent | undefined): void {
    this.#meanwhile.changed(row.parent);
    if (parent?.children === undefined) return;
    // Readers see a commit before those who wait for it: the child may have been read already.
    const isThere = parent.children.some(({ child, rel_type }) => child === row.child && rel_type === row.rel_type);
    if (!isThere) parent.children = [...parent.children, row];
  }

  /** All children of many events. */
  allChildren(parents: readonly number[]): Promise<RelationRow[]> {
    return this.#database.all<RelationRow>(readAllChildren, parents);
  }

  /** The events of one sender that relate to another in one way. */
  async bySender(parent: number, filter: { relType: number; type: number; sender: number }): Promise<number[]> {
    const { relType, type, sender } = filter;
    const rows = await this.#database.all<{ child: number }>(readBySender, parent, relType, type, sender);
    return rows.map(({ child }) => child);
  }

  /** A page of the children of some events between two positions, both exclusive. */
  async page(
    parents: readonly number[],
    filter: RelationFilter,
    range: { after: number; before: number; backwards: boolean; limit: number },
  ): Promise<number[]> {
    const bounds = [...oneOrAny(filter.relType), ...oneOrAny(filter.type), range.after, range.before, range.limit];
    const statement = range.backwards ? readPageBack : readPage;
    const rows = await this.#database.all<{ child: number }>(statement, parents, ...bounds);
    return rows.map(({ child }) => child);
  }

  /** A room's threads whose latest reply is before a position, the most recent first. */
  threads(room: number, before: number, limit: number): Promise<{ root: number; latest: number }[]> {
    return this.#database.all(readThreads, room, before, limit);
  }
}

/** The bounds of a number that is given, or of every number. */
function oneOrAny(num: number | undefined): [number, number] {
  return num === undefined ? [0, Number.MAX_SAFE_INTEGER] : [num, num];
}
