import { parseArgs } from 'node:util';
import { PostgresCluster } from '../support/postgres.ts';
import { federatedCrashRounds } from './federated-rounds.ts';
import { crashRounds } from './rounds.ts';

/**
 * The long form of the crash test: `npm run test:crash -- --rounds 100 --seed 1`, on PostgreSQL with `--postgres`, with
 * two servers that share a room with `--federation`.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string' },
    postgres: { type: 'boolean' },
    federation: { type: 'boolean' },
  },
});

const postgres = values.postgres === true ? await PostgresCluster.start(true) : undefined;
if (values.postgres === true && postgres === undefined) throw new Error('PostgreSQL is not installed');

const options = {
  rounds: Number(values.rounds ?? 100),
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  say: (line: string) => console.log(line),
};

try {
  if (values.federation === true) await federatedCrashRounds(options);
  else await crashRounds({ ...options, postgres });
} finally {
  await postgres?.remove();
}
