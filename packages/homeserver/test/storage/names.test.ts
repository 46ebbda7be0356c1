import { describe, expect, it } from 'vitest';
import { Names } from '../../src/storage/names.ts';
import { engines } from './engines.ts';

describe.each(engines)('names, $name', ({ open }) => {
  it('gives one number to a string that several ask for at once', async () => {
    const { database, end } = await open();
    const names = await Names.open(database);
    const nums = await Promise.all([names.num('new'), names.num('new'), names.num('new')]);
    expect(new Set(nums).size).toBe(1);
    await database.commit([]);
    expect(await (await Names.open(database)).text(nums[0] ?? 0)).toBe('new');
    await end();
  });

  it('finds what was stored before, and says of nothing else that it has a number', async () => {
    const { database, end } = await open();
    const before = await Names.open(database);
    const num = await before.num('known');
    await database.commit([]);
    const names = await Names.open(database);
    expect(await names.find('known')).toBe(num);
    expect(await names.find('unknown')).toBeUndefined();
    expect([...(await names.findAll(['known', 'unknown']))]).toEqual([['known', num]]);
    expect(names.isComplete).toBe(database.isExclusive);
    const added = await names.num('unknown');
    expect(added).toBeGreaterThan(num);
    expect([await names.find('unknown'), await names.text(added)]).toEqual([added, 'unknown']);
    await end();
  });
});
