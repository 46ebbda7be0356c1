import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const STEPS = 250;
const SEEDS = [1, 2, 3, 4, 5, 6];

test.each(SEEDS)('what is seen is what has happened, seed %i', { timeout: 60_000 }, async (seed) => {
  await simulate({ seed, steps: STEPS });
});

test('a seed always gives the same', { timeout: 60_000 }, async () => {
  const run = () => simulate({ seed: 7, steps: 60 });
  expect(await run()).toEqual(await run());
});
