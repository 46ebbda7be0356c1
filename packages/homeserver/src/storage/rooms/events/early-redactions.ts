import { type Database, sql, type Write, write } from '../../engine/database.ts';
import { storedEventId } from './stored-event.ts';

const insert = sql(
  'INSERT INTO early_redactions (target, redaction) VALUES (?, ?) ON CONFLICT (target, redaction) DO NOTHING',
);
const read = sql('SELECT redaction FROM early_redactions WHERE target = ?');
const remove = sql('DELETE FROM early_redactions WHERE target = ?');

/** Redactions that arrived before their targets. */
export class EarlyRedactions {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  insert(targetId: string, redaction: number): Write {
    return write(insert, storedEventId(targetId), redaction);
  }

  /** Returns the numbers of the redactions of an event. */
  async of(targetId: string): Promise<number[]> {
    const rows = await this.#database.all<{ redaction: number }>(read, storedEventId(targetId));
    return rows.map(({ redaction }) => redaction);
  }

  remove(targetId: string): Write {
    return write(remove, storedEventId(targetId));
  }
}
