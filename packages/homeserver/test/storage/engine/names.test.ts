import { describe, expect, it } from 'vitest';
import { type Database, Fenced, sql, write } from '../../../src/storage/engine/database.ts';
import { Names } from '../../../src/storage/engine/names.ts';
import { ReservedNames } from '../../../src/storage/engine/reserved-names.ts';
import { WELL_KNOWN_NAMES } from '../../../src/storage/engine/well-known-names.ts';
import { storedName } from '../../support/stored-name.ts';
import { engines } from '../engines.ts';

const readTexts = sql('SELECT text FROM names WHERE num > ? ORDER BY num');
/** Refused by every engine: a device belongs to somebody. */
const wrong = sql('INSERT INTO devices (num) VALUES (1)');

const stored = async (database: Database) => {
  const rows = await database.all<{ text: string }>(readTexts, WELL_KNOWN_NAMES.length);
  return rows.map(({ text }) => text);
};

describe.each(engines)('names, $name', ({ open }) => {
  it('gives one number to a string that several ask for at once, and stores nothing by itself', async () => {
    const { database, end } = await open();
    const names = await Names.open(database);
    const [a, b, both] = await Promise.all([names.reserve('a'), names.reserve('b'), names.reserveAll(['b', 'a', 'a'])]);
    expect(new Map(both)).toEqual(new Map([['a', a]].concat([['b', b]]) as [string, number][]));
    expect(await names.text(a)).toBe('a');
    expect([await names.find('a'), names.cachedNum('a')]).toEqual([undefined, a]);
    expect(await stored(database)).toEqual([]);
    await end();
  });

  it('stores a string with the transaction that uses its number', async () => {
    const { database, end } = await open();
    const names = await Names.open(database);
    const num = await names.reserve('used');
    await Promise.all([database.commit(names.inserts(num)), database.commit(names.inserts(num, num))]);
    expect(names.inserts(num)).toEqual([]);
    expect(await names.find('used')).toBe(num);
    const reopened = await Names.open(database);
    expect([await reopened.find('used'), await reopened.text(num)]).toEqual([num, 'used']);
    expect(reopened.inserts(num)).toEqual([]);
    expect(reopened.isComplete).toBe(database.isExclusive);
    await end();
  });

  it('keeps a number for transactions after one that fails', async () => {
    const { database, end } = await open();
    const names = await Names.open(database);
    const num = await names.reserve('again');
    const failing = database.commit([...names.inserts(num), write(wrong)]);
    const after = database.commit(names.inserts(num));
    await expect(failing).rejects.toThrow();
    await after;
    expect(await stored(database)).toEqual(['again']);
    expect(await names.find('again')).toBe(num);
    await end();
  });

  it('refuses a transaction whose number has lost its string', async () => {
    const { database, end } = await open();
    const names = await Names.open(database);
    const num = await names.reserve('first');
    for (let i = 0; i < 9; i += 1) await names.reserve(`${i}`.repeat(1_000_000));
    await expect(database.commit(names.inserts(num))).rejects.toBeInstanceOf(Fenced);
    const other = await storedName(database, names, 'first');
    expect(other).toBeGreaterThan(num);
    expect(await stored(database)).toEqual(['first']);
    await end();
  });
});

it('forgets the oldest reserved names first', () => {
  const reserved = new ReservedNames();
  for (let num = 1; num <= 10; num += 1) reserved.add(num, `${num}`.padStart(1_000_000));
  expect([reserved.text(2), reserved.text(3)?.trim()]).toEqual([undefined, '3']);
  expect(reserved.num('10'.padStart(1_000_000))).toBe(10);
});
