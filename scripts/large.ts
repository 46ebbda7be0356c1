import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Measures requests on large data: a user in many rooms that are all in the directory, a room with many members, a
 * thread with many replies. For each request it prints the time until the answer in milliseconds, and the longest time
 * that another user's request waited meanwhile. See docs/performance.md. `--rooms`, `--members` and `--replies` set the
 * sizes.
 */
const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '2000' },
    members: { type: 'string', default: '5000' },
    replies: { type: 'string', default: '20000' },
  },
});

const V3 = '/_matrix/client/v3';
const AT_ONCE = 8;
/** The time between two requests of another user while a request is measured. */
const OTHERS_EVERY_MS = 2;
const port = 20_000 + (process.pid % 20_000);
const url = `http://127.0.0.1:${port}`;

interface Account {
  readonly user_id: string;
  readonly access_token: string;
}

async function ask<T>(method: string, path: string, token?: string, body?: object): Promise<T> {
  const answer = await fetch(url + path, {
    method,
    headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text) as T;
}

function register(username: string): Promise<Account> {
  return ask('POST', `${V3}/register`, undefined, { username, password: 'x', auth: { type: 'm.login.dummy' } });
}

function path(room: string, rest: string): string {
  return `${V3}/rooms/${encodeURIComponent(room)}/${rest}`;
}

async function times(count: number, work: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const some = async () => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, some));
}

async function start(folder: string) {
  const launcher = fileURLToPath(new URL('../tests/launcher', import.meta.url));
  const env = { ...process.env, SERVER_NAME: 'large.test', HS_CLIENT_PORT: `${port}`, HS_DATA_DIR: folder };
  const child = spawn(launcher, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  for (;;) {
    const isUp = await ask('GET', '/_matrix/client/versions').catch(() => undefined);
    if (isUp !== undefined) break;
    await setTimeout(20);
  }
  return async () => {
    child.kill();
    await ended;
  };
}

async function measure<T>(name: string, other: Account, work: () => Promise<T>): Promise<T> {
  let isDone = false;
  let waited = 0;
  const others = async () => {
    while (!isDone) {
      const before = performance.now();
      await ask('GET', `${V3}/account/whoami`, other.access_token);
      waited = Math.max(waited, performance.now() - before);
      await setTimeout(OTHERS_EVERY_MS);
    }
  };
  const waiting = others();
  const before = performance.now();
  const result = await work();
  const took = performance.now() - before;
  isDone = true;
  await waiting;
  console.log(`| ${name} | ${took.toFixed(1)} ms | ${waited.toFixed(1)} ms |`);
  return result;
}

const lazy = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
const sliding = {
  lists: { all: { ranges: [[0, 19]], timeline_limit: 1, required_state: [['m.room.member', '$LAZY']] } },
};

/** The users and rooms of the large data set. */
interface Places {
  readonly alice: Account;
  readonly bob: Account;
  readonly hall: string;
  readonly root: string;
}

async function build(): Promise<Places> {
  const [alice, bob] = [await register('alice'), await register('bob')];
  const token = alice.access_token;
  const create = (name: string) =>
    ask<{ room_id: string }>('POST', `${V3}/createRoom`, token, { preset: 'public_chat', visibility: 'public', name });
  await times(Number(values.rooms), (i) => create(`Room ${i}`));
  const { room_id: hall } = await create('Hall');
  await times(Number(values.members), async (i) => {
    const { access_token } = await register(`member${i}`);
    await ask('POST', path(hall, 'join'), access_token, {});
  });
  const say = async (txn: string, content: object) =>
    (await ask<{ event_id: string }>('PUT', path(hall, `send/m.room.message/${txn}`), token, content)).event_id;
  const root = await say('root', { msgtype: 'm.text', body: 'root' });
  const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
  await times(Number(values.replies), (i) => say(`${i}`, { msgtype: 'm.text', body: `reply ${i}`, ...relation }));
  await ask('POST', path(hall, 'join'), bob.access_token, {});
  return { alice, bob, hall, root };
}

async function measureAll({ alice, bob, hall, root }: Places, txn: string): Promise<void> {
  const token = alice.access_token;
  const get = (name: string, where: string) =>
    measure(name, bob, () => ask<{ next_batch: string }>('GET', where, token));
  const { next_batch: since } = await get(`first \`/sync\`, ${values.rooms} rooms`, `${V3}/sync?filter=${lazy}`);
  await get('`/sync` with nothing new', `${V3}/sync?since=${since}`);
  await get(`\`/initialSync\`, ${values.rooms} rooms`, `${V3}/initialSync?limit=1`);
  await measure('first sliding sync', bob, () =>
    ask('POST', '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync', token, sliding),
  );
  await get(`\`/publicRooms\`, ${values.rooms} rooms`, `${V3}/publicRooms?limit=20`);
  await measure(`\`/publicRooms\`, searched`, bob, () =>
    ask('POST', `${V3}/publicRooms`, token, { limit: 20, filter: { generic_search_term: 'room 77' } }),
  );
  await get(`\`/members\`, ${values.members} members`, path(hall, 'members'));
  await measure('a message there', bob, () =>
    ask('PUT', path(hall, `send/m.room.message/${txn}`), token, { msgtype: 'm.text', body: 'x' }),
  );
  const newcomer = await register(`newcomer${txn}`);
  await measure('a join there', bob, () => ask('POST', path(hall, 'join'), newcomer.access_token, {}));
  await get(`the root of ${values.replies} replies`, path(hall, `event/${encodeURIComponent(root)}`));
  await get('a page of its replies', `/_matrix/client/v1/rooms/${hall}/relations/${root}/m.thread?limit=20`);
}

const folder = mkdtempSync(join(tmpdir(), 'hearth-large-'));
let stop = await start(folder);
const places = await build();
for (const title of ['in a server that has been running', 'after a restart']) {
  if (title === 'after a restart') {
    await stop();
    stop = await start(folder);
  }
  console.log(`\n| ${title} | answered after | others waited at most |\n| --- | --- | --- |`);
  await measureAll(places, title.replaceAll(' ', '-'));
}
await stop();
rmSync(folder, { recursive: true });
