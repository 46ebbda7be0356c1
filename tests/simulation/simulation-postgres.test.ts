import { inject, test } from 'vitest';
import { simulate } from './simulate.ts';

const STEPS = 150;
const SEEDS = [21, 22];

const postgres = inject('postgresUrl');

test.skipIf(postgres === undefined).each(SEEDS)(
  'clients see the truth on PostgreSQL, seed %i',
  { timeout: 180_000 },
  async (seed) => {
    await simulate({ seed, steps: STEPS, postgres });
  },
);
