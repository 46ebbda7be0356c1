import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it, onTestFinished, vi } from 'vitest';
import { createDatabase, PostgresCluster, queryOn } from '../../../../../tests/support/postgres.ts';
import { type Database, sql, write } from '../../../src/storage/engine/database.ts';
import { openDatabase } from '../../../src/storage/engine/open.ts';
import { DatabaseInUse, DatabaseWentBack, WriterReplaced } from '../../../src/storage/engine/postgres/writer-errors.ts';
import { postgresAt } from '../engines.ts';

const insert = sql('INSERT INTO names (num, text) VALUES (?, ?)');
const read = sql('SELECT text FROM names ORDER BY num');

const serverUrl = inject('postgresUrl');

const KEY = [0x68656172, 0x7468];
const END_WRITER =
  "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const END_ALL =
  'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';

const texts = async (database: Database) => (await database.all<{ text: string }>(read)).map(({ text }) => text);

describe.skipIf(serverUrl === undefined)('a database on a PostgreSQL server', () => {
  let url: string;
  let drop: () => Promise<void>;
  let database: Database;
  const onFatal = vi.fn();

  beforeEach(async () => {
    ({ url, drop } = await createDatabase(serverUrl ?? ''));
    onFatal.mockReset();
    database = await openDatabase(postgresAt(url, { onFatal }));
  });
  afterEach(async () => {
    await database.close();
    await drop();
  });

  it('refuses a second process before it has changed anything', async () => {
    const [before] = await queryOn(url, 'SELECT * FROM writer');
    await expect(openDatabase(postgresAt(url))).rejects.toBeInstanceOf(DatabaseInUse);
    expect(await queryOn(url, 'SELECT * FROM writer')).toEqual([before]);
    await database.commit([write(insert, 1, 'first')]);
    expect(await texts(database)).toEqual(['first']);
  });

  it('waits for a process that is still stopping', async () => {
    const second = openDatabase(postgresAt(url, { lockWaitMs: 10_000 }));
    await database.close();
    database = await second;
    await database.commit([write(insert, 1, 'first')]);
  });

  it('goes on after its connections were ended, and holds the lock again', async () => {
    let count = 0;
    let isOver = false;
    const load = async () => {
      while (!isOver) {
        count += 1;
        const text = `n${count}`;
        await database.commit([write(insert, count, text)]);
        expect(await texts(database)).toContain(text);
      }
    };
    const running = Promise.all([load(), load(), load()]);
    for (let round = 0; round < 10; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      await queryOn(url, round % 2 === 0 ? END_WRITER : END_ALL);
    }
    isOver = true;
    await running;
    expect(await texts(database)).toHaveLength(count);
    await expect(openDatabase(postgresAt(url))).rejects.toBeInstanceOf(DatabaseInUse);
    expect(onFatal).not.toHaveBeenCalled();
  });

  it('stops writing when another process got the lock', async () => {
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    const locked = other.query('SELECT pg_advisory_lock($1, $2)', KEY);
    await queryOn(url, END_WRITER);
    await locked;
    await expect(database.commit([write(insert, 1, 'lost')])).rejects.toThrow();
    await expect.poll(() => onFatal.mock.calls).toEqual([[expect.any(WriterReplaced)]]);
    await expect(database.commit([write(insert, 1, 'lost')])).rejects.toThrow(WriterReplaced);
    expect(await queryOn(url, 'SELECT * FROM names')).toEqual([]);
    await other.end();
  });

  it('stops writing when another process has claimed the database, even with a connection', async () => {
    await queryOn(url, "UPDATE writer SET owner = 'another'");
    await expect(database.commit([write(insert, 1, 'lost')])).rejects.toThrow();
    expect(onFatal).toHaveBeenCalledWith(expect.any(WriterReplaced));
    expect(await queryOn(url, 'SELECT * FROM names')).toEqual([]);
  });

  it('stops when the database has gone back to an earlier state', async () => {
    await database.commit([write(insert, 1, 'first')]);
    await queryOn(url, 'UPDATE writer SET sequence = sequence - 1');
    await queryOn(url, END_WRITER);
    await expect.poll(() => onFatal.mock.calls).toEqual([[expect.any(DatabaseWentBack)]]);
  });
});

describe.skipIf(serverUrl === undefined)('a PostgreSQL server that is killed under load', () => {
  it('loses nothing acknowledged and keeps no duplicate', { timeout: 60_000 }, async () => {
    const cluster = await PostgresCluster.start(true);
    if (cluster === undefined) throw new Error('there is no PostgreSQL');
    onTestFinished(() => cluster.remove());
    const database = await openDatabase(postgresAt(cluster.url));
    const acknowledged = new Set<string>();
    let count = 0;
    let isOver = false;
    const load = async () => {
      while (!isOver) {
        count += 1;
        const text = `n${count}`;
        await database.commit([write(insert, count, text)]);
        acknowledged.add(text);
      }
    };
    const running = Promise.all(Array.from({ length: 20 }, load));
    for (let round = 0; round < 4; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      await cluster.end(round % 2 === 0 ? 'SIGKILL' : 'SIGINT');
      await cluster.run();
    }
    isOver = true;
    await running;
    expect(new Set(await texts(database))).toEqual(acknowledged);
    expect(acknowledged.size).toBe(count);
    await database.close();
  });
});
