import { parseArgs } from 'node:util';
import { simulate } from './simulate.ts';

/** The command line of the simulation: `npm run test:simulation -- --seed 1 --steps 2000 --seeds 10`. */
const { values } = parseArgs({
  options: { seed: { type: 'string' }, steps: { type: 'string' }, seeds: { type: 'string' } },
});
const first = Number(values.seed ?? Date.now() % 1_000_000);
const steps = Number(values.steps ?? 2_000);

for (let seed = first; seed < first + Number(values.seeds ?? 1); seed += 1) {
  const { events, rooms } = await simulate({ seed, steps });
  console.log(`seed ${seed}: ${steps} steps, ${events} events in ${rooms} rooms, no difference`);
}
