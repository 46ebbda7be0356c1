import { setTimeout as sleep } from 'node:timers/promises';
import { UnexpectedReply } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import type { PostgresCluster } from '../support/postgres.ts';
import type { Follower } from './followers.ts';
import { ServerProcess } from './server-process.ts';
import { checkStore } from './uploads.ts';
import { World } from './world.ts';

/** The options of a crash test. The seed decides everything except the machine's timing. */
export interface CrashOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly say: (line: string) => void;
  /** A PostgreSQL server that the test may kill as well; without it the server runs on the embedded database. */
  readonly postgres?: PostgresCluster | undefined;
}

/** The number of rounds after which all timelines are read from the beginning. They are also read at the end. */
const THOROUGH_EVERY = 20;

/** Kills a busy server repeatedly and checks each time that nothing is lost. @throws Error with seed and round */
export async function crashRounds({ seed, rounds, say, postgres }: CrashOptions): Promise<void> {
  const dice = new Dice(seed);
  const server = await ServerProcess.create(postgres?.url);
  let round = 0;
  try {
    await server.start();
    const world = await World.create(server, dice);
    for (round = 1; round <= rounds; round += 1) {
      const how = await runUntilEnd(server, world, dice, postgres);
      const integrity = await server.integrity();
      if (integrity !== 'ok') throw new Error(`the database is damaged: ${integrity}`);
      await checkStore(server.dataDir);
      const early = await startAgain(server, dice);
      const thorough = round % THOROUGH_EVERY === 0 || round === rounds;
      await world.check(thorough);
      say(`seed ${seed}, round ${round}: ${how}${early}; ${world.eventCount} events, ${world.createdRooms} rooms`);
    }
    const code = await server.end('SIGTERM');
    if (code !== 0) throw new Error(`SIGTERM ended the server with ${code}`);
  } catch (error) {
    throw new Error(`crash test with seed ${seed}, round ${round}; the server says:\n${server.log}`, { cause: error });
  } finally {
    await server.remove();
  }
}

/** Runs writers and readers at full speed until the process ends. Returns how it ended. */
async function runUntilEnd(
  server: ServerProcess,
  world: World,
  dice: Dice,
  postgres: PostgresCluster | undefined,
): Promise<string> {
  const afterMs = dice.between(20, 900);
  const signal = dice.chance(0.1) ? 'SIGTERM' : 'SIGKILL';
  const busy = [...world.writers, ...world.correspondents];
  const work = [...busy.map((one) => one.run()), ...world.followers.map((follower) => follow(follower))];
  const running = Promise.all(work);
  // A writer whose request is refused ends the test at once.
  await Promise.race([sleep(afterMs), running]);
  const outage = postgres === undefined ? '' : await breakDatabase(postgres, dice);
  if (outage !== '') await Promise.race([sleep(afterMs), running]);
  const code = await server.end(signal);
  await running;
  if (signal === 'SIGTERM' && code !== 0) throw new Error(`SIGTERM ended the server with ${code}`);
  return `${outage}${signal} after ${afterMs} ms`;
}

/** Ends the connections to the database, or the database itself, which restarts at once. Returns a description. */
async function breakDatabase(postgres: PostgresCluster, dice: Dice): Promise<string> {
  const how = dice.pick(['nothing', 'connections', 'SIGKILL', 'SIGINT'] as const);
  if (how === 'nothing') return '';
  if (how === 'connections') await postgres.endConnections();
  else {
    await postgres.end(how);
    await postgres.run();
  }
  return `PostgreSQL ended (${how}), `;
}

async function follow(follower: Follower): Promise<void> {
  try {
    for (;;) await follower.step(1_000);
  } catch (error) {
    // A lost connection is expected here; a refused request is not.
    if (error instanceof UnexpectedReply || !(error instanceof TypeError)) throw error;
  }
}

/** Starts the server, and sometimes kills it while it starts, at most twice. */
async function startAgain(server: ServerProcess, dice: Dice): Promise<string> {
  let said = '';
  while (said.length < 80 && dice.chance(0.3)) {
    const afterMs = dice.between(0, 400);
    server.spawn();
    await sleep(afterMs);
    await server.end('SIGKILL');
    said += `, killed ${afterMs} ms into a start`;
  }
  await server.start();
  return said;
}
