import { PGlite } from '@electric-sql/pglite';
import { expect, test } from 'vitest';
import { Dice } from '../../../../../tests/support/dice.ts';
import { type Clock, systemClock } from '../../../src/platform/clock.ts';
import { silentLog } from '../../../src/platform/monitoring/log.ts';
import { Unavailable } from '../../../src/platform/unavailable.ts';
import { type Database, sql, write } from '../../../src/storage/engine/database.ts';
import { PostgresDatabase } from '../../../src/storage/engine/postgres/postgres.ts';
import { ConnectionLost, type WriterSession } from '../../../src/storage/engine/postgres/postgres-session.ts';
import { Stream } from '../../../src/storage/engine/stream.ts';

const insert = sql('INSERT INTO names (num, text) VALUES (?, ?)');
const read = sql('SELECT text FROM names ORDER BY num');

/** Ten times as fast as the machine's, so that nobody waits for the end of an outage. */
const fastClock: Clock = { ...systemClock, after: (delayMs, run) => systemClock.after(delayMs / 10, run) };

/** When a connection breaks while it commits: before the server has the statement, or before the answer arrives. */
type Break = 'before COMMIT' | 'after COMMIT';

/** An in-process PostgreSQL whose connections break on demand. */
class FragileServer {
  readonly #pg = new PGlite();
  /** Asked at each COMMIT. */
  breaks: () => Break | undefined = () => undefined;
  /** Whether no connection can be made. */
  isDown = false;

  async open(clock: Clock = systemClock): Promise<Database> {
    await this.#pg.waitReady;
    return PostgresDatabase.open({
      reading: { query: (text, values) => this.#query(text, values) },
      openSession: () => this.#connect(),
      owner: 'test',
      clock,
      log: silentLog,
      onFatal: () => undefined,
      end: () => this.#pg.close(),
    });
  }

  async #connect(): Promise<WriterSession> {
    if (this.isDown) throw new ConnectionLost('nobody listens');
    let onLost: ((reason: Error) => void) | undefined;
    let isBroken = false;
    return {
      query: async (text, values) => {
        if (isBroken) throw new ConnectionLost('broken');
        const how = text === 'COMMIT' ? this.breaks() : undefined;
        if (how === undefined) return this.#query(text, values);
        isBroken = true;
        await this.#query(how === 'before COMMIT' ? 'ROLLBACK' : 'COMMIT');
        onLost?.(new Error('broken'));
        throw new ConnectionLost('broken');
      },
      onLost: (listener) => {
        onLost = listener;
      },
      end: () => Promise.resolve(),
    };
  }

  async #query(text: string, values?: readonly unknown[]) {
    const result = await this.#pg.query(text, values === undefined ? undefined : [...values]);
    return { rows: result.rows, rowCount: result.affectedRows ?? result.rows.length };
  }
}

const texts = async (database: Database) => (await database.all<{ text: string }>(read)).map(({ text }) => text);

test.each([1, 2, 3])('stores each acknowledged transaction once, however connections break, seed %i', async (seed) => {
  const server = new FragileServer();
  const database = await server.open();
  const dice = new Dice(seed);
  server.breaks = () => (dice.chance(0.4) ? dice.pick<Break>(['before COMMIT', 'after COMMIT']) : undefined);
  const acknowledged: string[] = [];
  let count = 0;
  const writeOne = async () => {
    count += 1;
    const text = `n${count}`;
    // A number that is taken makes its transaction fail alone.
    const num = dice.chance(0.1) ? 1 : count;
    await database.commit([write(insert, num, text)]).then(
      () => acknowledged.push(text),
      (error: Error) => expect(error.message).toContain('duplicate'),
    );
  };
  for (let round = 0; round < 15; round += 1) {
    await Promise.all(Array.from({ length: dice.between(1, 6) }, writeOne));
  }
  expect(await texts(database)).toEqual(acknowledged);
  expect(acknowledged.length).toBeGreaterThan(30);
  await database.close();
});

test.each(['before COMMIT', 'after COMMIT'] as const)(
  'refuses requests during a long outage and announces what was stored when it is over, broken %s',
  async (how) => {
    const server = new FragileServer();
    const database = await server.open(fastClock);
    const stream = await Stream.open(database);
    const announced: number[] = [];
    stream.listen((changes) => announced.push(...changes.map(({ position }) => position)));
    server.breaks = () => how;
    server.isDown = true;
    const commit = (text: string) => {
      const position = stream.next();
      const done = stream.commit([write(insert, position, text)], [{ kind: 'typing', position, room: 1 }]);
      return done.then(
        () => 'stored',
        (error: unknown) => error,
      );
    };
    const before = stream.current;
    const running = commit('running');
    await new Promise((resolve) => setImmediate(resolve));
    const outcomes = await Promise.all([running, commit('waiting')]);
    for (const outcome of [...outcomes, await commit('late')]) expect(outcome).toBeInstanceOf(Unavailable);
    await expect(database.all(read)).rejects.toBeInstanceOf(Unavailable);
    expect([stream.current, announced]).toEqual([before, []]);
    server.isDown = false;
    server.breaks = () => undefined;
    await expect.poll(() => texts(database).catch(() => undefined)).toBeDefined();
    expect(await commit('after')).toBe('stored');
    const isStored = how === 'after COMMIT';
    expect(await texts(database)).toEqual(isStored ? ['running', 'after'] : ['after']);
    expect(announced).toEqual(isStored ? [before + 1, before + 4] : [before + 4]);
    expect(stream.current).toBe(before + 4);
    await database.close();
  },
);

test('is unavailable when an outage has used up all reserved positions', async () => {
  const server = new FragileServer();
  const database = await server.open(fastClock);
  const stream = await Stream.open(database);
  server.breaks = () => 'before COMMIT';
  server.isDown = true;
  expect(() => {
    for (let i = 0; i < 20_000; i += 1) stream.next();
  }).toThrow(Unavailable);
  await database.close();
});

test('closes within a bounded time when there is no connection', async () => {
  const server = new FragileServer();
  const database = await server.open(fastClock);
  server.breaks = () => 'before COMMIT';
  server.isDown = true;
  const commit = database.commit([write(insert, 1, 'never')]).catch((error: unknown) => error);
  await database.close();
  expect(await commit).toBeInstanceOf(Unavailable);
});
