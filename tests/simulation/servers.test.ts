import { expect, test } from 'vitest';
import { simulateServers } from './servers/simulate-servers.ts';

const STEPS = 100;
const SEEDS = [1, 3, 4, 22, 2005];

test.each(SEEDS)(
  'servers that share rooms agree after faults of the network, seed %i',
  { timeout: 60_000 },
  async (seed) => {
    await simulateServers({ seed, steps: STEPS });
  },
);

test('the same seed gives the same result with several servers', { timeout: 60_000 }, async () => {
  const run = () => simulateServers({ seed: 101, steps: 30 });
  expect(await run()).toEqual(await run());
});
