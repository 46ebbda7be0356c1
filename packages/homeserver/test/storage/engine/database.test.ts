import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Database, Fenced, guard, sql, write } from '../../../src/storage/engine/database.ts';
import { Stream } from '../../../src/storage/engine/stream.ts';
import { engines } from '../engines.ts';

const insert = sql('INSERT INTO names (num, text) VALUES (?, ?)');
const rename = sql('UPDATE names SET text = ? WHERE num = ? AND text = ?');
const read = sql('SELECT num, text FROM names ORDER BY num');
const readMany = sql('SELECT text FROM names WHERE num IN @list ORDER BY num');
const putNode = sql('INSERT INTO state_nodes (hash, body) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING');
const forgetNames = sql('DELETE FROM names');
const forgetNodes = sql('DELETE FROM state_nodes');
const readNodes = sql('SELECT body FROM state_nodes WHERE hash IN @blobs');

describe.each(engines)('$name', ({ open }) => {
  let database: Database;
  let end: () => Promise<void>;
  beforeAll(async () => {
    ({ database, end } = await open());
  });
  afterEach(() => database.commit([write(forgetNames), write(forgetNodes)]));
  afterAll(() => end());

  const texts = async () => (await database.all<{ text: string }>(read)).map(({ text }) => text);

  it('commits what was queued in the order of the calls', async () => {
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => database.commit([write(insert, i, `n${i}`)]).then(() => order.push(i))),
    );
    expect(order).toEqual(Array.from({ length: 50 }, (_, i) => i));
    expect(await texts()).toHaveLength(50);
  });

  it('refuses what comes after it was closed', async () => {
    const other = await open();
    await other.end();
    await expect(other.database.commit([write(insert, 1, 'late')])).rejects.toThrow();
  });

  it('changes nothing when a guard fails, and spares the rest of the group', async () => {
    await database.commit([write(insert, 1, 'one')]);
    const outcomes = await Promise.allSettled([
      database.commit([write(insert, 2, 'two')]),
      database.commit([guard(rename, 'uno', 1, 'eins'), write(insert, 3, 'three')]),
      database.commit([guard(rename, 'uno', 1, 'one'), write(insert, 4, 'four')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: expect.any(Fenced) });
    expect(await texts()).toEqual(['uno', 'two', 'four']);
  });

  it('calls a transaction fenced also when another of its statements fails', async () => {
    await database.commit([write(insert, 1, 'one')]);
    const stale = database.commit([guard(rename, 'uno', 1, 'eins'), write(insert, 1, 'again')]);
    await expect(stale).rejects.toBeInstanceOf(Fenced);
    expect(await texts()).toEqual(['one']);
  });

  it('loses only the transaction with a broken statement', async () => {
    const outcomes = await Promise.allSettled([
      database.commit([write(insert, 1, 'same')]),
      database.commit([write(insert, 2, 'same')]),
      database.commit([write(insert, 3, 'other')]),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await texts()).toEqual(['same', 'other']);
  });

  it('reads by a list of numbers and by a list of byte strings', async () => {
    await database.commit([1, 2, 3].map((num) => write(insert, num, `n${num}`)));
    expect(await database.all(readMany, [3, 1, 9])).toEqual([{ text: 'n1' }, { text: 'n3' }]);
    const body = new Uint8Array([0, 255, 7]);
    await database.commit([write(putNode, new Uint8Array([1, 2]), body), write(putNode, new Uint8Array([1, 2]), body)]);
    const rows = await database.all<{ body: Uint8Array }>(readNodes, [new Uint8Array([1, 2]), new Uint8Array([9])]);
    expect(rows.map((row) => [...row.body])).toEqual([[0, 255, 7]]);
  });

  it('never hands out a position a second time, and announces in order', async () => {
    const stream = await Stream.open(database);
    const announced: number[] = [];
    stream.listen((changes) => announced.push(...changes.map(({ position }) => position)));
    const started = Array.from({ length: 5 }, () => {
      const position = stream.next();
      return stream.commit([], [{ kind: 'typing', position, room: 1 }]).then(() => position);
    });
    const positions = await Promise.all(started);
    expect(announced).toEqual(positions);
    expect(stream.current).toBe(positions.at(-1));
    const reopened = await Stream.open(database);
    expect(reopened.next()).toBeGreaterThan(stream.current);
  });
});
