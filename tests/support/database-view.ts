import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { queryOn } from './postgres.ts';

/** A read-only view of a server's embedded database while the server runs. */
export class SqliteView {
  readonly #path: string;
  #connection: DatabaseSync | undefined;

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'hearth.db');
  }

  look<Row extends object>(text: string): Promise<Row[]> {
    this.#connection ??= new DatabaseSync(this.#path, { readOnly: true });
    return Promise.resolve(this.#connection.prepare(text).all() as Row[]);
  }

  /** Returns a value that another connection changes with each commit. */
  dataVersion(): Promise<unknown> {
    return this.look('PRAGMA data_version');
  }

  close(): Promise<void> {
    this.#connection?.close();
    return Promise.resolve();
  }
}

/** A view of a server's PostgreSQL database while the server runs. */
export class PostgresView {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  look<Row extends object>(text: string): Promise<Row[]> {
    return queryOn<Row>(this.#url, text);
  }

  /** Returns the number of the last transaction, which changes with each commit. */
  dataVersion(): Promise<unknown> {
    return this.look('SELECT owner, sequence FROM writer');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
