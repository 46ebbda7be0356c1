import { extname } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import type { Bound, Database, Statement, Write } from '../database.ts';
import { GroupCommit, type Outcome } from '../group-commit.ts';
import { checkStorable } from '../storable-text.ts';
import { openForReading } from './sqlite-connection.ts';
import { bindSqlite, toSqlite } from './sqlite-dialect.ts';
import type { GroupMessage, GroupReply, PackedTransaction } from './sqlite-writer.ts';

/** The file of the writer is in the folder of this file, in the sources and in the bundle. */
const WRITER = new URL(`./sqlite-writer${extname(import.meta.url)}`, import.meta.url);

/**
 * The SQLite engine. Reads run on this thread, because they are short and mostly use the page cache. Writes run in
 * groups on a separate thread.
 */
export class SqliteDatabase implements Database {
  readonly dialect = 'sqlite';
  readonly isExclusive = true;
  readonly #reader: DatabaseSync;
  readonly #writer: Worker;
  readonly #prepared: StatementSync[] = [];
  readonly #group: GroupCommit;
  readonly #sent: boolean[] = [];
  #answer: { resolve: (reply: GroupReply) => void; reject: (error: Error) => void } | undefined;
  #broken: Error | undefined;

  constructor(path: string) {
    this.#reader = openForReading(path);
    this.#writer = new Worker(WRITER, {
      workerData: { path },
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 128 },
    });
    this.#writer.on('message', (reply: GroupReply) => this.#answer?.resolve(reply));
    this.#writer.on('error', (error: Error) => this.#break(error));
    this.#group = new GroupCommit(({ transactions }) => this.#send(transactions));
  }

  all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]> {
    try {
      checkStorable(values);
      return Promise.resolve(this.#prepare(statement).all(...values.map(bindSqlite)) as Row[]);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined> {
    try {
      checkStorable(values);
      return Promise.resolve(this.#prepare(statement).get(...values.map(bindSqlite)) as Row | undefined);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#group.commit(writes);
  }

  async close(): Promise<void> {
    await this.#group.drained();
    if (this.#broken === undefined) {
      await new Promise<void>((resolve) => {
        this.#writer.once('exit', () => resolve());
        this.#writer.postMessage('close');
      });
      this.#broken = new Error('the database is closed');
    }
    this.#reader.close();
  }

  #prepare(statement: Statement): StatementSync {
    const known = this.#prepared[statement.index];
    if (known !== undefined) return known;
    const prepared = this.#reader.prepare(toSqlite(statement.text));
    this.#prepared[statement.index] = prepared;
    return prepared;
  }

  #send(transactions: readonly (readonly Write[])[]): Promise<readonly Outcome[]> {
    const broken = this.#broken;
    if (broken !== undefined) return Promise.reject(broken);
    const message: GroupMessage = { texts: this.#unsent(transactions), transactions: transactions.map(pack) };
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      this.#writer.postMessage(message);
    });
  }

  /** Returns the statements of these transactions that the writer's thread has not received yet. */
  #unsent(transactions: readonly (readonly Write[])[]): [number, string][] {
    const texts: [number, string][] = [];
    for (const writes of transactions) {
      for (const { statement } of writes) {
        if (this.#sent[statement.index] === true) continue;
        this.#sent[statement.index] = true;
        texts.push([statement.index, toSqlite(statement.text)]);
      }
    }
    return texts;
  }

  #break(error: Error): void {
    this.#broken = error;
    this.#answer?.reject(error);
  }
}

function pack(writes: readonly Write[]): PackedTransaction {
  return writes.map(({ statement, values, columns, changes }) =>
    columns === undefined
      ? [statement.index, changes ?? -1, values.map(packValue)]
      : [statement.index, changes ?? -1, [], columns],
  );
}

/** Copies a view into a larger buffer, because otherwise the whole buffer would be copied to the other thread. */
function packValue(value: Bound): SQLInputValue {
  const bound = bindSqlite(value);
  if (bound instanceof Uint8Array && bound.byteLength !== bound.buffer.byteLength) return new Uint8Array(bound);
  return bound;
}
