import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';
import { describe, expect, inject, onTestFinished, test } from 'vitest';

import { pathOf } from '../../../../tests/support/client.ts';
import { createDatabase } from '../../../../tests/support/postgres.ts';
import { startServer } from '../../../../tests/support/server.ts';
import { type SyncReply, TestUser } from '../../../../tests/support/user.ts';
import type { Database } from '../../src/storage/engine/database.ts';
import { migrations } from '../../src/storage/engine/migrations/index.ts';
import { openDatabase } from '../../src/storage/engine/open.ts';
import { postgresAt } from './engines.ts';
import {
  type Cell,
  comparable,
  type Dialect,
  HEADER,
  insertions,
  storedContent,
  storedSchemas,
} from './stored-schemas/stored-database.ts';

/** A database of an engine, past the program under test. */
interface Engine {
  readonly dialect: Dialect;
  readonly run: (text: string) => Promise<void>;
  readonly query: (text: string) => Promise<Record<string, unknown>[]>;
  readonly open: () => Promise<Database>;
}

const postgresUrl = inject('postgresUrl');
const ENGINES: readonly (readonly [name: string, make: () => Promise<Engine>])[] = [
  ['SQLite', makeSqlite],
  ...(postgresUrl === undefined ? [] : [['PostgreSQL', () => makePostgres(postgresUrl)] as const]),
];

const content = storedContent();
const { known } = content;

type Rows = Record<string, Cell>[];

/** The changes that migrations make on purpose to rows that were stored before them. */
const CHANGES: readonly { readonly before: number; readonly table: string; readonly change: (rows: Rows) => Rows }[] = [
  // The index of messages is built anew.
  { before: 14, table: 'followers', change: (rows) => rows.filter(({ name }) => name !== 'search') },
];

/** The values that rows from before a migration have in its new columns. */
const ADDED: readonly { readonly in: number; readonly query: string; readonly expected: Rows }[] = [
  { in: 16, query: 'SELECT DISTINCT ts FROM to_device_messages', expected: [{ ts: 0 }] },
  {
    in: 17,
    query: 'SELECT is_erased, erased_position FROM accounts GROUP BY is_erased, erased_position ORDER BY is_erased',
    expected: [
      { is_erased: 0, erased_position: null },
      { is_erased: 1, erased_position: 0 },
    ],
  },
  { in: 24, query: 'SELECT DISTINCT position = event AS is_same FROM memberships', expected: [{ is_same: 1 }] },
];

describe.each(ENGINES)('a stored database on %s', (_, make) => {
  const versions = migrations.map(({ version }) => version);
  let fresh: ReturnType<typeof schemaOf> | undefined;
  const freshSchema = () => {
    fresh ??= openFresh();
    return fresh;
  };
  const openFresh = async () => {
    const engine = await make();
    await (await engine.open()).close();
    return schemaOf(engine);
  };

  test('exists of every schema', async () => {
    const { dialect } = await make();
    const stored = storedSchemas(dialect).map((section) => Number(HEADER.exec(section)?.[1]));
    expect(stored, 'run test/storage/stored-schemas/write.ts').toEqual(versions);
  });

  test('has rows in every table', async () => {
    const engine = await make();
    await build(engine, versions.length);
    const empty = [];
    for (const [table, rows] of await readAll(engine)) if (rows.length === 0) empty.push(table);
    expect(empty, 'run test/storage/stored-schemas/write.ts --content').toEqual([]);
  });

  test.each(versions)(
    'with schema %i has the current schema and its rows after the upgrade, and is served',
    async (version) => {
      const engine = await make();
      await build(engine, version);
      const before = await readAll(engine);
      const database = await engine.open();
      onTestFinished(() => database.close());
      expect(await schemaOf(engine)).toEqual(await freshSchema());
      await checkRows(engine, version, before);
      const server = await startServer({ machine: { database } });
      onTestFinished(() => server.close());
      const newcomer = await server.user('newcomer');
      await newcomer.join('#lounge:hearth.test');
      const { chunk } = await newcomer.messages(known.roomId, { limit: 100 });
      expect(chunk.map(({ content: { body } }) => body)).toContain('Who likes pineapple?');
      expect(chunk.map(({ content: { body } }) => body)).not.toContain('Wrong room');
      if (version >= 2) await checkAlice(new TestUser(server, known.alice), version);
      expect(server.faults).toEqual([]);
    },
  );
});

async function checkRows(engine: Engine, version: number, before: ReadonlyMap<string, Rows>): Promise<void> {
  for (const [table, rows] of before) {
    const after = await readRows(engine, table, Object.keys(rows[0] ?? {}));
    const changes = CHANGES.filter((change) => change.table === table && version < change.before);
    expect(after, table).toEqual(changes.reduce((changed, { change }) => change(changed), rows));
  }
  for (const { in: since, query, expected } of ADDED) {
    const table = /FROM (\w+)/.exec(query)?.[1] ?? '';
    if (version >= since || !before.has(table)) continue;
    const found = await engine.query(query);
    expect(found.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, comparable(v)])))).toEqual(
      expected,
    );
  }
}

/** Checks what a user finds again who was logged in before the upgrade. */
async function checkAlice(alice: TestUser, version: number): Promise<void> {
  const reply = await alice.get<SyncReply & { to_device?: { events: object[] }; device_one_time_keys_count: object }>(
    '/sync',
  );
  expect(Object.keys(reply.rooms?.join ?? {})).toContain(known.roomId);
  if (version >= 3) {
    expect(await alice.get(pathOf('profile', alice.userId, 'displayname'))).toEqual({ displayname: 'Alice' });
  }
  if (version >= 5) {
    expect(reply.device_one_time_keys_count).toEqual({ signed_curve25519: 2 });
    expect(reply.to_device?.events).toMatchObject([{ type: 'm.test', content: { n: 1 } }]);
  }
  if (version >= 7) expect(await alice.get('/pushers')).toMatchObject({ pushers: [{ app_id: 'com.example.app' }] });
  // Stored indexes are left out of the content; older schemas build theirs anew.
  if (version >= 14) return;
  const body = { search_categories: { room_events: { search_term: 'pineapple' } } };
  expect(await alice.post('/search', body)).toMatchObject({ search_categories: { room_events: { count: 1 } } });
}

/** Builds the database that a server of a schema version has left. */
async function build({ dialect, run, query }: Engine, version: number): Promise<void> {
  await run(storedSchemas(dialect).slice(0, version).join('\n'));
  const columns =
    dialect === 'sqlite'
      ? `SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`
      : `SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns WHERE table_schema = 'public'`;
  const columnsOf = new Map<string, Set<string>>();
  for (const { table, column } of await query(columns)) {
    columnsOf.set(String(table), (columnsOf.get(String(table)) ?? new Set()).add(String(column)));
  }
  await run(insertions(dialect, columnsOf, content));
  if (columnsOf.has('writer')) await run("INSERT INTO writer (slot, owner, sequence) VALUES (0, 'earlier', 7)");
}

/** Returns the rows of all tables that have content, in an order that does not depend on the engine. */
async function readAll(engine: Engine): Promise<Map<string, Rows>> {
  const found = new Map<string, Rows>();
  const schema = await schemaOf(engine);
  for (const { name, type } of schema) {
    if (type !== 'table' || /_index|^schema_versions$|^writer$/.test(String(name))) continue;
    found.set(String(name), await readRows(engine, String(name), ['*']));
  }
  return found;
}

async function readRows({ query }: Engine, table: string, columns: readonly string[]): Promise<Rows> {
  const rows = await query(`SELECT ${columns.join(', ')} FROM ${table}`);
  const cells = rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, comparable(value)])),
  );
  return cells.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

/** Returns tables with their columns, indexes and views. */
function schemaOf({ dialect, query }: Engine): Promise<Record<string, unknown>[]> {
  if (dialect === 'sqlite') return query('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name');
  return query(
    `SELECT 'table' AS type, t.table_name AS name, string_agg(concat(c.column_name, ' ', c.data_type, ' ', c.is_nullable, ' ', c.column_default), ', ' ORDER BY c.column_name) AS definition
       FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
       WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' GROUP BY t.table_name
     UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
     UNION ALL SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'public'
     UNION ALL SELECT 'constraint', concat(conrelid::regclass, ' ', conname), pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     ORDER BY 1, 2`,
  );
}

async function makeSqlite(): Promise<Engine> {
  const dataDir = mkdtempSync(join(tmpdir(), 'hearth-upgrade-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true }));
  const use = <T>(work: (database: DatabaseSync) => T): Promise<T> => {
    const database = new DatabaseSync(join(dataDir, 'hearth.db'));
    try {
      return Promise.resolve(work(database));
    } finally {
      database.close();
    }
  };
  return {
    dialect: 'sqlite',
    run: (text) => use((database) => database.exec(text)),
    query: (text) => use((database) => database.prepare(text).all() as Record<string, unknown>[]),
    open: () => openDatabase({ dataDir }),
  };
}

async function makePostgres(serverUrl: string): Promise<Engine> {
  const { url, drop } = await createDatabase(serverUrl);
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  onTestFinished(async () => {
    await client.end();
    await drop();
  });
  return {
    dialect: 'postgres',
    run: async (text) => {
      await client.query(text);
    },
    query: async (text) => (await client.query<Record<string, unknown>>(text)).rows,
    open: () => openDatabase(postgresAt(url)),
  };
}
