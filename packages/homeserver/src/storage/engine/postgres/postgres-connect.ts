import pg from 'pg';
import { type Clock, sleep } from '../../../platform/clock.ts';
import { errorText } from '../../../platform/error-text.ts';
import type { Log } from '../../../platform/monitoring/log.ts';
import type { OperatorError } from '../../../platform/operator-error.ts';
import { type Random, randomText } from '../../../platform/random.ts';
import type { Database } from '../database.ts';
import { NoConnection } from './no-connection.ts';
import { PostgresDatabase } from './postgres.ts';
import { ConnectionLost, type PostgresConnection, type WriterSession } from './postgres-session.ts';
import { DatabaseInUse, WriterReplaced } from './writer-errors.ts';

/** A PostgreSQL database, and the parts that the storage needs to use it. */
export interface PostgresLocation {
  readonly url: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Log, 'warn' | 'info'>;
  /** The time for which a start waits for another process to stop. */
  readonly lockWaitMs: number;
  /** Called when this process must end because another one writes to the database. */
  readonly onFatal: (error: OperatorError) => void;
}

const READ_CONNECTIONS_MAX = 8;
const CONNECT_MS_MAX = 10_000;
const READ_MS_MAX = 60_000;

/** The type of 64-bit integers in PostgreSQL. They are read as numbers, because all values are below 2^53. */
const TYPE_INT8 = 20;

/** The key of the advisory lock that the writer of a database holds: "hear" and "th" as numbers. */
const LOCK_KEY = [0x68656172, 0x7468] as const;
const LOCK_RETRY_MS = 100;

const TRY_LOCK = 'SELECT pg_try_advisory_lock($1, $2) AS locked, pg_backend_pid() AS pid';
const FIND_HOLDER = `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND objsubid = 2
  AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
/** Settings of the session: an acknowledged commit is on disk, and the server soon notices a lost machine. */
const PREPARE_SESSION = `SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

/** Connects to a server and applies the missing migrations. @throws NoConnection, DatabaseInUse */
export async function openPostgres(location: PostgresLocation): Promise<Database> {
  pg.types.setTypeParser(TYPE_INT8, Number);
  const pool = new pg.Pool({ ...connectionOptions(location), max: READ_CONNECTIONS_MAX, query_timeout: READ_MS_MAX });
  // The pool removes an idle connection that breaks.
  pool.on('error', ({ message }) => location.log.warn('lost a connection to PostgreSQL', { reason: message }));
  const reading: PostgresConnection = {
    query: (text, values) => counted(pool.query(text, values === undefined ? [] : [...values])),
  };
  const owner = randomText(location.random, 16);
  try {
    const openSession = sessionOpener(location);
    return await PostgresDatabase.open({ ...location, owner, reading, openSession, end: () => pool.end() });
  } catch (error) {
    await pool.end();
    throw error instanceof ConnectionLost ? new NoConnection(error.cause) : error;
  }
}

function connectionOptions({ url }: PostgresLocation): pg.ClientConfig {
  return {
    connectionString: url,
    keepAlive: true,
    keepAliveInitialDelayMillis: CONNECT_MS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
  };
}

/** Returns a function that opens one connection after another, each with the writer's lock. */
function sessionOpener(location: PostgresLocation): () => Promise<WriterSession> {
  let ownPid: number | undefined;
  return async () => {
    const session = await connect(location);
    try {
      await session.query(PREPARE_SESSION);
      ownPid = await lock(session, location, ownPid);
      return session;
    } catch (error) {
      await session.end();
      throw error;
    }
  };
}

async function connect(location: PostgresLocation): Promise<WriterSession> {
  // Statements of a group are sent without waiting for one another.
  const client = new pg.Client({ ...connectionOptions(location), pipeline: true });
  const session = new PgSession(client);
  await client.connect().catch((cause: unknown) => {
    throw new ConnectionLost(errorText(cause), { cause });
  });
  return session;
}

/**
 * Takes the writer's lock and returns the server's number of the connection. If the server has not noticed the loss of
 * the earlier connection, this function ends that connection.
 * @param earlierPid the number of the earlier connection, after a reconnect
 * @throws DatabaseInUse, WriterReplaced
 */
async function lock(
  session: WriterSession,
  { clock, lockWaitMs }: PostgresLocation,
  earlierPid: number | undefined,
): Promise<number> {
  const deadline = clock.elapsed() + lockWaitMs;
  for (;;) {
    const [row] = (await session.query(TRY_LOCK, LOCK_KEY)).rows as { locked: boolean; pid: number }[];
    if (row?.locked === true) return row.pid;
    const [holder] = (await session.query(FIND_HOLDER, LOCK_KEY)).rows as { pid: number }[];
    if (earlierPid === undefined) {
      if (clock.elapsed() >= deadline) throw new DatabaseInUse();
    } else if (holder !== undefined) {
      if (holder.pid !== earlierPid) throw new WriterReplaced();
      await session.query('SELECT pg_terminate_backend($1)', [earlierPid]);
    }
    await sleep(clock, LOCK_RETRY_MS);
  }
}

class PgSession implements WriterSession {
  readonly #client: pg.Client;
  #reason: Error | undefined;
  #listener: ((reason: Error) => void) | undefined;

  constructor(client: pg.Client) {
    this.#client = client;
    client.on('error', (error) => this.#fail(error));
    client.on('end', () => this.#fail(new Error('the connection was closed')));
  }

  async query(
    text: string,
    values?: readonly unknown[],
    timeoutMs?: number,
  ): Promise<{ rows: unknown[]; rowCount: number }> {
    const query = { text, ...(values && { values: [...values] }), ...(timeoutMs && { query_timeout: timeoutMs }) };
    try {
      return await counted(this.#client.query(query));
    } catch (error) {
      if (error instanceof ConnectionLost) this.#fail(error);
      throw error;
    }
  }

  onLost(listener: (reason: Error) => void): void {
    this.#listener = listener;
    if (this.#reason !== undefined) listener(this.#reason);
  }

  async end(): Promise<void> {
    this.#listener = undefined;
    await this.#client.end().catch(() => undefined);
  }

  #fail(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#listener?.(reason);
    void this.end();
  }
}

/** @throws ConnectionLost */
async function counted(
  running: Promise<{ rows: unknown[]; rowCount: number | null }>,
): Promise<{ rows: unknown[]; rowCount: number }> {
  try {
    const { rows, rowCount } = await running;
    return { rows, rowCount: rowCount ?? 0 };
  } catch (error) {
    throw isConnectionLoss(error) ? new ConnectionLost(errorText(error), { cause: error }) : error;
  }
}

/**
 * Returns whether an error is a loss of the connection. Errors of a statement come from the server with another code
 * (PostgreSQL manual, "PostgreSQL Error Codes").
 */
function isConnectionLoss(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return CONNECTION_CODES.test(error.code ?? '');
  return error instanceof Error && !(error instanceof TypeError) && !(error instanceof RangeError);
}

/**
 * The codes of connection exceptions, of a server that shuts down or starts, of ended sessions and of too many
 * connections.
 */
const CONNECTION_CODES = /^(?:08...|57P0[1235]|53300)$/;
