import { parseArgs } from 'node:util';
import { simulateServers } from './servers/simulate-servers.ts';
import { simulate } from './simulate.ts';

/**
 * The command line of the simulation: `npm run test:simulation -- --seed 1 --steps 2000 --seeds 10`. With `--servers`
 * several servers share rooms, and `--verbose` prints what their users do.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    steps: { type: 'string' },
    seeds: { type: 'string' },
    servers: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
});
const first = Number(values.seed ?? Date.now() % 1_000_000);
const failed: number[] = [];

for (let seed = first; seed < first + Number(values.seeds ?? 1); seed += 1) {
  try {
    console.log(`seed ${seed}: ${await (values.servers === true ? runServers(seed) : runServer(seed))}`);
  } catch (error) {
    failed.push(seed);
    console.error(error);
  }
}
if (failed.length > 0) console.error(`seeds with differences: ${failed.join(' ')}`);
process.exit(failed.length === 0 ? 0 : 1);

async function runServer(seed: number): Promise<string> {
  const steps = Number(values.steps ?? 2_000);
  const { events, rooms } = await simulate({ seed, steps });
  return `${steps} steps, ${events} events in ${rooms} rooms, no difference`;
}

async function runServers(seed: number): Promise<string> {
  const log = values.verbose === true ? console.log : () => undefined;
  const { servers, events, softFailed, hours } = await simulateServers({
    seed,
    steps: Number(values.steps ?? 300),
    log,
  });
  const counts = `${events} events, ${softFailed} soft-failed copies`;
  return `${servers} servers, ${hours.toFixed(1)} hours, ${counts}, no difference`;
}
