import { type Database, sql, type Write, write } from '../../engine/database.ts';
import { type StoredEvent, storedEventId } from './stored-event.ts';

const insertRedaction = sql(
  'INSERT INTO early_redactions (target, redaction) VALUES (?, ?) ON CONFLICT (target, redaction) DO NOTHING',
);
const insertRelation = sql(
  'INSERT INTO early_relations (target, child) VALUES (?, ?) ON CONFLICT (target, child) DO NOTHING',
);
const read = sql(
  `SELECT target, redaction AS event FROM early_redactions WHERE target IN @blobs
   UNION ALL SELECT target, child AS event FROM early_relations WHERE target IN @blobs`,
);
const removeRedactions = sql('DELETE FROM early_redactions WHERE target = ?');
const removeRelations = sql('DELETE FROM early_relations WHERE target = ?');

/** Redactions of events and relations to events that arrived before these events. */
export class EarlyReferences {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Returns the write that stores an event which redacts an event, or is related to it. */
  insert(targetId: string, { num, redacts }: Pick<StoredEvent, 'num' | 'redacts'>): Write {
    return write(redacts === targetId ? insertRedaction : insertRelation, storedEventId(targetId), num);
  }

  /** Returns the numbers of the events that refer to some events, by the ids of the latter. */
  async of(targetIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
    const ids = new Map(targetIds.map((id) => [keyOf(storedEventId(id)), id]));
    const targets = targetIds.map(storedEventId);
    const rows = await this.#database.all<{ target: Uint8Array; event: number }>(read, targets, targets);
    const found = new Map<string, number[]>();
    for (const { target, event } of rows) {
      const id = ids.get(keyOf(target)) ?? '';
      found.set(id, [...(found.get(id) ?? []), event]);
    }
    return found;
  }

  /** Returns the writes that remove everything that refers to an event. */
  remove(targetId: string): Write[] {
    const target = storedEventId(targetId);
    return [write(removeRedactions, target), write(removeRelations, target)];
  }
}

function keyOf(stored: Uint8Array): string {
  return Buffer.from(stored).toString('latin1');
}
