import { type Clock, sleep, type Timer } from '../../../platform/clock.ts';
import { errorText } from '../../../platform/error-text.ts';
import type { Log } from '../../../platform/monitoring/log.ts';
import { OperatorError } from '../../../platform/operator-error.ts';
import { Unavailable } from '../../../platform/unavailable.ts';
import type { Write } from '../database.ts';
import { type Group, GroupCommit, type Outcome } from '../group-commit.ts';
import { ConnectionLost, type WriterSession } from './postgres-session.ts';
import { DatabaseWentBack, WriterReplaced } from './writer-errors.ts';

export interface WriterOptions {
  /**
   * Connects and takes the writer's lock. It is called again after any error except an OperatorError.
   * @throws OperatorError when a retry cannot succeed
   */
  readonly openSession: () => Promise<WriterSession>;
  /** Renders a write as text and values. */
  readonly render: (write: Write) => readonly [text: string, values: readonly unknown[]];
  /** The name of this process in the table `writer`, which no other process has. */
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn' | 'info'>;
  /** Called when this process must end because another process writes to the database. */
  readonly onFatal: (error: OperatorError) => void;
}

/** The time for which requests wait for a lost connection. */
const WAIT_MS = 10_000;
/**
 * The time limit for an answer. Without it, a network that drops packets would delay a group by a quarter of an hour.
 */
const ANSWER_MS_MAX = 30_000;
const RECONNECT_FIRST_MS = 20;
const RECONNECT_MAX_MS = 2_000;

const NO_CONNECTION = 'The database cannot be reached at the moment';
const CLOSED = 'the database is closed';

const CLAIM =
  'INSERT INTO writer (slot, owner, sequence) VALUES (0, $1, 0) ON CONFLICT (slot) DO UPDATE SET owner = excluded.owner, sequence = 0';
const ADVANCE = 'UPDATE writer SET sequence = $1 WHERE slot = 0 AND owner = $2 AND sequence = $3';
const READ = 'SELECT owner, sequence FROM writer WHERE slot = 0';

/**
 * The only writer of a PostgreSQL database. It commits groups of transactions on the connection that holds the writer's
 * lock, and reconnects when that connection is lost.
 *
 * Each transaction increments a sequence number in the table `writer` on the condition that no other process has
 * claimed the row, so that a stale writer changes nothing. After a reconnect the number shows whether the last
 * transaction is stored: the new connection has the lock, hence the old one has ended.
 */
export class PostgresWriter {
  readonly #options: WriterOptions;
  readonly #group = new GroupCommit((group) => this.#commitGroup(group));
  #session: WriterSession | undefined;
  /** The number of the last transaction that is known to be stored. */
  #sequence = 0;
  #isClosed = false;
  #fatal: OperatorError | undefined;
  #outage: { readonly restored: Promise<void>; readonly restore: () => void } | undefined;
  /** Whether the connection was lost for longer than requests wait. */
  #isGivenUp = false;
  #waitTimer: Timer | undefined;
  #giveUp = Promise.withResolvers<void>();

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Connects. `prepare` applies the migrations before this process claims the right to write. */
  async open(prepare: (session: WriterSession) => Promise<void>): Promise<void> {
    const session = await this.#options.openSession();
    try {
      await prepare(session);
      await session.query(CLAIM, [this.#options.owner]);
    } catch (error) {
      await session.end();
      throw error;
    }
    this.#use(session);
  }

  /** Commits a transaction as {@link Database.commit}. */
  commit(writes: readonly Write[]): Promise<void> {
    if (this.#fatal !== undefined) return Promise.reject(this.#fatal);
    return this.#group.commit(writes);
  }

  /**
   * Returns undefined while there is a connection; otherwise a promise that resolves after the reconnect.
   * @throws Unavailable after a bounded time
   */
  whenConnected(): Promise<void> | undefined {
    if (this.#session !== undefined) return undefined;
    if (this.#fatal !== undefined) return Promise.reject(this.#fatal);
    if (this.#isClosed) return Promise.reject(new Error(CLOSED));
    return this.#restoredInTime();
  }

  /**
   * Waits for queued transactions and closes the connection. Without a connection it waits only as long as requests do.
   */
  async close(): Promise<void> {
    await Promise.race([this.#group.drained(), this.#giveUp.promise]);
    this.#isClosed = true;
    this.#waitTimer?.cancel();
    const session = this.#session;
    this.#session = undefined;
    this.#outage?.restore();
    await session?.end();
  }

  async #restoredInTime(): Promise<void> {
    if (this.#isGivenUp) throw new Unavailable(NO_CONNECTION);
    const { clock } = this.#options;
    await Promise.race([this.#outage?.restored, sleep(clock, WAIT_MS)]);
    if (this.#fatal !== undefined) throw this.#fatal;
    if (this.#session === undefined) throw new Unavailable(NO_CONNECTION);
  }

  #use(session: WriterSession): void {
    this.#session = session;
    session.onLost((reason) => {
      if (this.#session === session && !this.#isClosed) this.#lost(reason);
    });
  }

  #lost(reason: Error): void {
    const { clock, log } = this.#options;
    log.warn('lost the writing connection to PostgreSQL', { reason: reason.message });
    this.#session = undefined;
    const { promise: restored, resolve: restore } = Promise.withResolvers<void>();
    this.#outage = { restored, restore };
    this.#waitTimer = clock.after(WAIT_MS, () => {
      this.#isGivenUp = true;
      this.#group.refuse(NO_CONNECTION);
      this.#giveUp.resolve();
    });
    void this.#reconnect(clock.elapsed());
  }

  async #reconnect(sinceMs: number): Promise<void> {
    const { clock, log } = this.#options;
    let said = '';
    for (let delayMs = RECONNECT_FIRST_MS; !this.#isClosed; delayMs = Math.min(2 * delayMs, RECONNECT_MAX_MS)) {
      try {
        const session = await this.#openVerified();
        if (this.#isClosed) return await session.end();
        log.info('reconnected to PostgreSQL', { afterMs: Math.round(clock.elapsed() - sinceMs) });
        return this.#restore(session);
      } catch (error) {
        if (error instanceof OperatorError) return this.#end(error);
        const text = errorText(error);
        if (text !== said) log.warn('cannot connect to PostgreSQL', { reason: text });
        said = text;
        await sleep(clock, delayMs);
      }
    }
  }

  /** Opens a connection and reads the number of the last stored transaction. */
  async #openVerified(): Promise<WriterSession> {
    const session = await this.#options.openSession();
    try {
      const [row] = (await session.query(READ)).rows as { owner: string; sequence: number }[];
      if (row?.owner !== this.#options.owner) throw new WriterReplaced();
      const ahead = row.sequence - this.#sequence;
      if (ahead < 0 || ahead > 1) throw new DatabaseWentBack();
      this.#sequence = row.sequence;
      return session;
    } catch (error) {
      await session.end();
      throw error;
    }
  }

  #restore(session: WriterSession): void {
    this.#waitTimer?.cancel();
    this.#isGivenUp = false;
    this.#giveUp = Promise.withResolvers();
    this.#group.resume();
    const outage = this.#outage;
    this.#outage = undefined;
    this.#use(session);
    outage?.restore();
  }

  /** Ends the writer: it writes nothing from then on. */
  #end(error: OperatorError): void {
    this.#fatal = error;
    this.#waitTimer?.cancel();
    const session = this.#session;
    this.#session = undefined;
    this.#group.refuse(error.message);
    this.#giveUp.resolve();
    this.#outage?.restore();
    this.#options.onFatal(error);
    void session?.end();
  }

  async #commitGroup(group: Group): Promise<readonly Outcome[]> {
    const { transactions } = group;
    const outcome = await this.#transaction(group, transactions.flat());
    if (outcome === null || transactions.length === 1) return transactions.map(() => outcome);
    const outcomes: Outcome[] = [];
    for (const writes of transactions) outcomes.push(await this.#transaction(group, writes));
    return outcomes;
  }

  /** Runs a transaction until its outcome is known, and reconnects as often as necessary. */
  async #transaction(group: Group, writes: readonly Write[]): Promise<Outcome> {
    const number = this.#sequence + 1;
    for (;;) {
      while (this.#session === undefined) {
        if (this.#fatal !== undefined) throw this.#fatal;
        if (this.#isClosed || this.#outage === undefined) throw new Error(CLOSED);
        await this.#outage.restored;
      }
      if (this.#sequence >= number) return null;
      if (group.isAbandoned) return { fenced: false, message: NO_CONNECTION };
      try {
        const outcome = await this.#attempt(this.#session, writes, number);
        if (outcome === null) this.#sequence = number;
        return outcome;
      } catch (error) {
        if (error instanceof WriterReplaced) this.#end(error);
        if (!(error instanceof ConnectionLost)) throw error;
      }
    }
  }

  /**
   * Sends all statements without waiting between them. The server runs them in order.
   * @throws ConnectionLost when the outcome is not known
   */
  async #attempt(session: WriterSession, writes: readonly Write[], number: number): Promise<Outcome> {
    const { owner, render } = this.#options;
    const results = [session.query('BEGIN', [], ANSWER_MS_MAX), session.query(ADVANCE, [number, owner, number - 1])];
    for (const write of writes) results.push(session.query(...render(write)));
    const settled = await Promise.allSettled(results);
    const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    const lost = failures.find((reason) => reason instanceof ConnectionLost);
    if (lost !== undefined) throw lost;
    // A guard comes before the writes that it guards, so that a failed guard explains a failure after it.
    const fenced = writes.some(({ changes }, i) => isOtherCount(changes, settled[i + 2]));
    if (failures.length === 0 && !fenced && !isOtherCount(1, settled[1])) {
      await session.query('COMMIT', [], ANSWER_MS_MAX);
      return null;
    }
    await session.query('ROLLBACK');
    if (isOtherCount(1, settled[1])) throw new WriterReplaced();
    return { fenced, message: fenced ? 'a guard did not find what it expected' : errorText(failures[0]) };
  }
}

function isOtherCount(
  changes: number | undefined,
  result: PromiseSettledResult<{ rowCount: number }> | undefined,
): boolean {
  return changes !== undefined && result?.status === 'fulfilled' && result.value.rowCount !== changes;
}
