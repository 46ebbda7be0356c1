import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { systemClock } from '../../packages/homeserver/src/platform/clock.ts';
import { silentLog } from '../../packages/homeserver/src/platform/monitoring/log.ts';
import { systemRandom } from '../../packages/homeserver/src/platform/random.ts';
import type { Bound, Database, Statement, Write } from '../../packages/homeserver/src/storage/engine/database.ts';
import { openDatabase } from '../../packages/homeserver/src/storage/engine/open.ts';
import { createDatabase } from '../support/postgres.ts';
import type { LookAnswer, LookRequest } from './look-worker.ts';
import type { SimStorage } from './sim-database.ts';

/** A real PostgreSQL database for the simulation. Its timing decides the order of concurrent operations. */
export class SimPostgres implements SimStorage {
  readonly dialect = 'postgres';
  readonly isExclusive = false;
  readonly #database: Database;
  readonly #drop: () => Promise<void>;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #signal = new Int32Array(new SharedArrayBuffer(4));
  #running = 0;

  private constructor(database: Database, url: string, drop: () => Promise<void>) {
    this.#database = database;
    this.#drop = drop;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData = { url, port: port2, signal: this.#signal };
    this.#worker = new Worker(new URL('./look-worker.ts', import.meta.url), { workerData, transferList: [port2] });
  }

  /** Creates a database on a PostgreSQL server. */
  static async open(serverUrl: string): Promise<SimPostgres> {
    const { url, drop } = await createDatabase(serverUrl);
    const machine = { clock: systemClock, random: systemRandom, log: silentLog };
    const onFatal = (error: Error) => {
      throw error;
    };
    return new SimPostgres(await openDatabase({ url, ...machine, lockWaitMs: 0, onFatal }), url, drop);
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /**
   * Blocks this thread until another one has read the rows, because the simulation inspects the database between two
   * steps.
   */
  look<Row>(text: string, ...values: (string | number)[]): Row[] {
    Atomics.store(this.#signal, 0, 0);
    const request: LookRequest = { text: numbered(text), values };
    this.#port.postMessage(request);
    Atomics.wait(this.#signal, 0, 0);
    const answer = receiveMessageOnPort(this.#port)?.message as LookAnswer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.rows as Row[];
  }

  all<Row>(statement: Statement, ...values: Bound[]): Promise<Row[]> {
    return this.#counted(this.#database.all<Row>(statement, ...values));
  }

  first<Row>(statement: Statement, ...values: Bound[]): Promise<Row | undefined> {
    return this.#counted(this.#database.first<Row>(statement, ...values));
  }

  commit(writes: readonly Write[]): Promise<void> {
    return this.#counted(this.#database.commit(writes));
  }

  async close(): Promise<void> {
    await this.#database.close();
    await this.#worker.terminate();
    await this.#drop();
  }

  async #counted<T>(running: Promise<T>): Promise<T> {
    this.#running += 1;
    try {
      return await running;
    } finally {
      this.#running -= 1;
    }
  }
}

/** Renders `?` as `$1`, `$2` and so on. */
function numbered(text: string): string {
  let count = 0;
  return text.replaceAll('?', () => {
    count += 1;
    return `$${count}`;
  });
}
