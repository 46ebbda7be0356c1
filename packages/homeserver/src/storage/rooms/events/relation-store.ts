import { type Database, sql, type Write, write } from '../../engine/database.ts';

const insert = sql(
  'INSERT INTO relations (parent, rel_type, child) VALUES (?, ?, ?) ON CONFLICT (parent, rel_type, child) DO NOTHING',
);
const touchThread = sql(
  'INSERT INTO threads (room, root, latest) VALUES (?, ?, ?) ON CONFLICT (room, root) DO UPDATE SET latest = excluded.latest',
);
const remove = sql('DELETE FROM relations WHERE parent = ? AND rel_type = ? AND child = ?');
const readWays = sql(
  `SELECT DISTINCT r.parent, r.rel_type, e.sender FROM relations r JOIN events e ON e.num = r.child
   WHERE r.parent IN @list AND e.redacted_by IS NULL`,
);
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
/**
 * The query follows the order in which relations are stored, so that a page costs the same for any number of relations.
 */
const typedPageOf = (order: string) =>
  sql(
    `SELECT r.child FROM relations r JOIN events e ON e.num = r.child
     WHERE r.parent = ? AND r.rel_type = ? AND e.type BETWEEN ? AND ? AND r.child > ? AND r.child < ?
     ORDER BY r.child ${order} LIMIT ?`,
  );
const readTypedPage = typedPageOf('ASC');
const readTypedPageBack = typedPageOf('DESC');

/** A relation between two events. */
export interface Relation {
  readonly parent: number;
  /** The relation type, as a number of `names.ts`. */
  readonly relType: number;
  readonly child: number;
}

/** A filter of children. Types are numbers of `names.ts`. */
export interface RelationFilter {
  readonly relType?: number | undefined;
  readonly type?: number | undefined;
}

/** Reads and writes relations between events (client-server API, "Relationship API"). */
export class RelationStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param thread the room, if the child is a reply in a thread */
  insert({ parent, relType, child }: Relation, thread?: number): Write[] {
    const writes = [write(insert, parent, relType, child)];
    if (thread !== undefined) writes.push(write(touchThread, thread, parent, child));
    return writes;
  }

  /** Returns the write that removes the relation of a redacted event. */
  remove({ parent, relType, child }: Relation): Write {
    return write(remove, parent, relType, child);
  }

  /** Returns the relation types and the senders of the children of many events. */
  async ways(parents: readonly number[]): Promise<{ parent: number; relType: number; sender: number }[]> {
    const rows = await this.#database.all<{ parent: number; rel_type: number; sender: number }>(readWays, parents);
    return rows.map(({ parent, rel_type, sender }) => ({ parent, relType: rel_type, sender }));
  }

  /** Returns the children of an event with one relation type and one sender. */
  async bySender(parent: number, filter: { relType: number; type: number; sender: number }): Promise<number[]> {
    const { relType, type, sender } = filter;
    const rows = await this.#database.all<{ child: number }>(readBySender, parent, relType, type, sender);
    return rows.map(({ child }) => child);
  }

  /** Returns a page of the children of some events between two positions, both exclusive. */
  async page(
    parents: readonly number[],
    filter: RelationFilter,
    range: { after: number; before: number; backwards: boolean; limit: number },
  ): Promise<number[]> {
    const { relType, type } = filter;
    const { backwards } = range;
    const bounds = [...oneOrAny(type), range.after, range.before, range.limit];
    const [parent, ...others] = parents;
    const isTyped = parent !== undefined && others.length === 0 && relType !== undefined;
    const query = isTyped
      ? this.#database.all<{ child: number }>(backwards ? readTypedPageBack : readTypedPage, parent, relType, ...bounds)
      : this.#database.all<{ child: number }>(
          backwards ? readPageBack : readPage,
          parents,
          ...oneOrAny(relType),
          ...bounds,
        );
    return (await query).map(({ child }) => child);
  }

  /** Returns the threads of a room whose latest reply is before a position, the most recent first. */
  threads(room: number, before: number, limit: number): Promise<{ root: number; latest: number }[]> {
    return this.#database.all(readThreads, room, before, limit);
  }
}

/** Returns the bounds of a range that contains only the given number, or every number. */
function oneOrAny(num: number | undefined): [number, number] {
  return num === undefined ? [0, Number.MAX_SAFE_INTEGER] : [num, num];
}
