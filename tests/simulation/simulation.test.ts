import { test } from 'vitest';
import { simulate } from './simulate.ts';

const STEPS = 300;
const SEEDS = [1, 2, 3, 4, 5, 6];

test.each(SEEDS)('what is seen is what has happened, seed %i', { timeout: 60_000 }, async (seed) => {
  await simulate({ seed, steps: STEPS });
});
