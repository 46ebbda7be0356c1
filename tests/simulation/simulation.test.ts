import { expect, test } from 'vitest';
import { simulate } from './simulate.ts';

const STEPS = 250;
const SEEDS = [1, 2, 3, 4, 5, 6];

test.each(SEEDS)('clients see the truth, seed %i', { timeout: 60_000 }, async (seed) => {
  await simulate({ seed, steps: STEPS });
});

test('the same seed gives the same result', { timeout: 60_000 }, async () => {
  const run = () => simulate({ seed: 7, steps: 60 });
  expect(await run()).toEqual(await run());
});
