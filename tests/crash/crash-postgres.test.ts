import { inject, test } from 'vitest';
import { PostgresCluster } from '../support/postgres.ts';
import { crashRounds } from './rounds.ts';

const ROUNDS = Number(process.env.HEARTH_CRASH_ROUNDS ?? 8);

test.skipIf(inject('postgresUrl') === undefined)(
  `${ROUNDS} times the server or its PostgreSQL is killed, and nothing is lost or doubled`,
  { timeout: ROUNDS * 30_000 },
  async () => {
    const seed = Number(process.env.HEARTH_CRASH_SEED ?? Date.now() % 1_000_000);
    const postgres = await PostgresCluster.start(true);
    if (postgres === undefined) throw new Error('PostgreSQL is not installed');
    try {
      await crashRounds({ seed, rounds: ROUNDS, say: (line) => console.log(line), postgres });
    } finally {
      await postgres.remove();
    }
  },
);
