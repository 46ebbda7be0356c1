import { test } from 'vitest';
import { crashRounds } from './rounds.ts';

const ROUNDS = Number(process.env.HEARTH_CRASH_ROUNDS ?? 10);

test(`${ROUNDS} kills lose nothing and double nothing`, { timeout: ROUNDS * 20_000 }, async () => {
  const seed = Number(process.env.HEARTH_CRASH_SEED ?? Date.now() % 1_000_000);
  await crashRounds({ seed, rounds: ROUNDS, say: (line) => console.log(line) });
});
