import { test } from 'vitest';
import { federatedCrashRounds } from './federated-rounds.ts';

const ROUNDS = Number(process.env.HEARTH_CRASH_ROUNDS ?? 5);

test(`${ROUNDS} kills of one of two servers lose nothing and double nothing`, {
  timeout: ROUNDS * 30_000,
}, async () => {
  const seed = Number(process.env.HEARTH_CRASH_SEED ?? Date.now() % 1_000_000);
  await federatedCrashRounds({ seed, rounds: ROUNDS, say: (line) => console.log(line) });
});
