import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ServerProcess } from '../tests/crash/server-process.ts';
import { registerUser, type TestUser } from '../tests/support/user.ts';

/**
 * Measures whether events in other rooms make a delivery more expensive. Quiet users take a token of `/sync`, wait in
 * `/sync` with it and receive one message: first on a quiet server, then after a minute with 1,000 unrelated events per
 * second between the token and the message, then on a quiet server again. The script prints the CPU time of the server
 * for each delivery, including its part of the sent message. See docs/performance.md. `--seconds` and `--rate` change
 * the load.
 */
const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, rate: { type: 'string', default: '1000' } },
});
const SECONDS = Number(values.seconds);
const RATE = Number(values.rate);

const GROUPS = 80;
const USERS_PER_GROUP = 20;
const ROOMS_PER_GROUP = 5;
const BUSY_USERS = 100;
const BUSY_ROOMS = 300;
/** Busy users who wait in `/sync`, so that the server also delivers messages during the load. */
const READERS = 20;
/** Deliveries and unrelated events before the first measurement, so that the server is warm. */
const WARM_UP_ROUNDS = 4;
const WARM_UP_EVENTS = 10_000;
const REQUESTS_AT_ONCE = 16;
const TICK_MS = 10;
const READER_WAIT_MS = 500;
/** The time after which requests that were sent wait on the server, and after which it has done what follows an answer. */
const ARRIVAL_MS = 20;
/** The time in which the server collects its garbage before a measurement. */
const SETTLE_MS = 2_000;
const HIGHEST_RATIO = 1.3;

/** Quiet users who share some rooms, and the tokens up to which they have synced. */
interface Group {
  readonly sender: TestUser;
  readonly users: readonly TestUser[];
  readonly rooms: readonly string[];
  readonly tokens: Map<TestUser, string>;
}

interface BusyRoom {
  readonly user: TestUser;
  readonly room: string;
}

const server = await ServerProcess.create();

async function inParallel<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: REQUESTS_AT_ONCE }, worker));
}

/** Returns the CPU time that all threads of the server have used, in milliseconds. */
function cpuMs(): number {
  const tasks = `/proc/${server.pid}/task`;
  return readdirSync(tasks)
    .map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
    .reduce((sum, ms) => sum + ms, 0);
}

async function createUsers(prefix: string, count: number): Promise<TestUser[]> {
  const users: TestUser[] = [];
  await inParallel(Array(count).keys(), async (i) => {
    users.push(await registerUser(server, { username: `${prefix}${i}` }));
  });
  return users;
}

async function createGroup(prefix: string): Promise<Group> {
  const [sender, ...users] = await createUsers(prefix, USERS_PER_GROUP + 1);
  if (sender === undefined) throw new Error('a group needs a sender');
  const rooms: string[] = [];
  for (let i = 0; i < ROOMS_PER_GROUP; i += 1) rooms.push(await sender.createRoom());
  await inParallel(users, async (user) => {
    for (const room of rooms) await user.join(room);
  });
  return { sender, users, rooms, tokens: new Map() };
}

async function createBusyRooms(): Promise<BusyRoom[]> {
  const users = await createUsers('busy', BUSY_USERS);
  const busy: BusyRoom[] = [];
  await inParallel(Array(BUSY_ROOMS).keys(), async (i) => {
    const user = users[i % BUSY_USERS];
    if (user !== undefined) busy.push({ user, room: await user.createRoom() });
  });
  return busy;
}

async function takeTokens(groups: readonly Group[]): Promise<void> {
  for (const { users, tokens } of groups) {
    await inParallel(users, async (user) => {
      const since = tokens.get(user);
      const { next_batch } = await user.sync({ set_presence: 'offline', timeout: 0, since });
      tokens.set(user, next_batch);
    });
  }
}

/** Waits for news again and again until `isDone`. */
async function read(user: TestUser, isDone: () => boolean): Promise<void> {
  let since: string | undefined;
  while (!isDone()) {
    ({ next_batch: since } = await user.sync({ set_presence: 'offline', timeout: READER_WAIT_MS, since }));
  }
}

/** Sends unrelated events at a fixed rate. Returns the number of events per second that the server has accepted. */
async function sendUnrelated(busy: readonly BusyRoom[], count: number): Promise<number> {
  const begin = performance.now();
  const requests: Promise<unknown>[] = [];
  let isDone = false;
  const readers = busy.slice(0, READERS).map(({ user }) => read(user, () => isDone));
  while (requests.length < count) {
    const due = Math.min(count, ((performance.now() - begin) * RATE) / 1_000);
    while (requests.length < due) {
      const place = busy[requests.length % busy.length];
      if (place !== undefined) requests.push(place.user.send(place.room, `unrelated ${requests.length}`));
    }
    await sleep(TICK_MS);
  }
  await Promise.all(requests);
  const rate = (count * 1_000) / (performance.now() - begin);
  isDone = true;
  await Promise.all(readers);
  return rate;
}

/** Delivers one message to each user of a group. Returns the CPU time of the server for each delivery. */
async function deliverTo({ sender, users, rooms, tokens }: Group, i: number, text: string): Promise<number> {
  const room = rooms[i % rooms.length] ?? '';
  const before = cpuMs();
  const received = users.map(async (user) => {
    const since = tokens.get(user);
    const reply = await user.sync({ set_presence: 'offline', timeout: 30_000, since });
    const events = reply.rooms?.join?.[room]?.timeline.events ?? [];
    if (events.length !== 1 || events[0]?.content.body !== text) throw new Error(`${user.userId} missed a message`);
    tokens.set(user, reply.next_batch);
  });
  await sleep(ARRIVAL_MS);
  await sender.send(room, text);
  await Promise.all(received);
  await sleep(ARRIVAL_MS);
  return (cpuMs() - before) / users.length;
}

/** Delivers one message to each quiet user. Returns the median of the groups' costs, which few collections affect. */
async function deliver(groups: readonly Group[], text: string): Promise<number> {
  await sleep(SETTLE_MS);
  const costs: number[] = [];
  for (const [i, group] of groups.entries()) costs.push(await deliverTo(group, i, text));
  return costs.toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? 0;
}

try {
  await server.start();
  const groups: Group[] = [];
  for (let i = 0; i < GROUPS; i += 1) groups.push(await createGroup(`quiet${i}-`));
  const busy = await createBusyRooms();
  await takeTokens(groups);
  await sendUnrelated(busy, WARM_UP_EVENTS);
  for (let i = 0; i < WARM_UP_ROUNDS; i += 1) await deliver(groups, `warm-up ${i}`);

  const before = await deliver(groups, 'before');
  await takeTokens(groups);
  const rate = await sendUnrelated(busy, RATE * SECONDS);
  const loaded = await deliver(groups, 'loaded');
  await takeTokens(groups);
  const after = await deliver(groups, 'after');

  const ratio = (2 * loaded) / (before + after);
  console.log('| server | CPU of a delivery |\n| --- | --- |');
  console.log(`| quiet, before the load | ${before.toFixed(3)} ms |`);
  console.log(`| after ${RATE * SECONDS} unrelated events, ${rate.toFixed(0)} per second | ${loaded.toFixed(3)} ms |`);
  console.log(`| quiet, after the load | ${after.toFixed(3)} ms |`);
  console.log(
    `\nRatio to the mean of the quiet measurements: ${ratio.toFixed(2)}; the goal is at most ${HIGHEST_RATIO}.`,
  );
  if (ratio > HIGHEST_RATIO) process.exitCode = 1;
} finally {
  await server.remove();
}
