import { parseArgs } from 'node:util';
import { crashRounds } from './rounds.ts';

/** The long form of the crash test: `npm run test:crash -- --rounds 100 --seed 1`. */
const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } });

await crashRounds({
  rounds: Number(values.rounds ?? 100),
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  say: (line) => console.log(line),
});
