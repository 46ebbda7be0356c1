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
});
