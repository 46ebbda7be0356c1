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
const readThreads = sql('SELECT root, latest FROM threads WHERE room = ? AND latest < ? ORDER BY latest DESC LIMIT ?');
const readPage = sql(
  'SELECT parent, rel_type, child FROM relations WHERE parent = ? AND child > ? AND child < ? ORDER BY child LIMIT ?',
);
const readPageBack = sql(
  'SELECT parent, rel_type, child FROM relations WHERE parent = ? AND child > ? AND child < ? ORDER BY child DESC LIMIT ?',
);

/** Which events relate to which (client-server API, "Relationship API"). */
export class RelationStore {
  readonly #database: Database;

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

  /** A page of one event's children between two positions, both exclusive. */
  page(
    parent: number,
    range: { after: number; before: number; backwards: boolean; limit: number },
  ): Promise<RelationRow[]> {
    const statement = range.backwards ? readPageBack : readPage;
    return this.#database.all<RelationRow>(statement, parent, range.after, range.before, range.limit);
  }

  /** A room's threads whose latest reply is before a position, the most recent first. */
  threads(room: number, before: number, limit: number): Promise<{ root: number; latest: number }[]> {
    return this.#database.all(readThreads, room, before, limit);
  }
}
