import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SEED_BYTES, signingKeyFromSeed } from '../packages/protocol/src/signing/ed25519.ts';
import { signJson } from '../packages/protocol/src/signing/json.ts';

/**
 * Runs once after the bundle has been made: starts the server on a folder of its own, lets two users talk for a moment and
 * stops it. What was compiled on the way is kept, so that later starts need not compile it again.
 * When it fails, nothing is lost but that.
 */

type Json = Record<string, unknown>;

const ROUNDS = 10;

/** The server of this script; its requests throw unless they are answered with 200. */
class Client {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async call(method: string, path: string, token?: string, body?: Json, version = 'v3'): Promise<Json> {
    const response = await fetch(`${this.#url}/_matrix/client/${version}${path}`, {
      method,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    return (await response.json()) as Json;
  }

  /** One user uploads a file, the other downloads it. */
  async exchangeFile(from: string, to: string, length: number): Promise<void> {
    const upload = await fetch(`${this.#url}/_matrix/media/v3/upload?filename=a.bin`, {
      method: 'POST',
      headers: { authorization: `Bearer ${from}`, 'content-type': 'application/octet-stream' },
      body: new Uint8Array(length),
    });
    const { content_uri } = (await upload.json()) as Json;
    const address = String(content_uri).slice('mxc://'.length);
    const path = `/_matrix/client/v1/media/download/${address}`;
    const download = await fetch(`${this.#url}${path}`, { headers: { authorization: `Bearer ${to}` } });
    if ((await download.arrayBuffer()).byteLength !== length) throw new Error(`GET ${path}: ${download.status}`);
  }

  async register(username: string): Promise<Json> {
    const auth = { type: 'm.login.dummy' };
    return this.call('POST', '/register', undefined, { username, password: username, auth });
  }
}

async function talk(client: Client): Promise<void> {
  const [first, second] = [await client.register('alice'), await client.register('bob')];
  const [alice, bob] = [String(first.access_token), String(second.access_token)];
  const created = await client.call('POST', '/createRoom', alice, { preset: 'public_chat', name: 'Warm' });
  const room = `/rooms/${encodeURIComponent(String(created.room_id))}`;
  await client.call('POST', `${room}/join`, bob, {});
  let since = String((await client.call('GET', '/sync', bob)).next_batch);
  const lazy = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
  let pos: string | undefined;
  for (let i = 0; i < ROUNDS; i += 1) {
    const waiting = client.call('GET', `/sync?timeout=2000&filter=${lazy}&since=${since}`, bob);
    const content = { msgtype: 'm.text', body: `message ${i}` };
    const sent = await client.call('PUT', `${room}/send/m.room.message/t${i}`, alice, content);
    since = String((await waiting).next_batch);
    await client.call('PUT', `${room}/state/org.hearth.warm/k${i}`, alice, { i });
    await client.call('POST', `${room}/receipt/m.read/${encodeURIComponent(String(sent.event_id))}`, bob, {});
    await look(client, bob, room, lazy);
    await client.exchangeFile(alice, bob, 50_000 + i);
    await encrypt(client, first, bob, i);
    await visit(client, i % 2 === 0 ? first : second, room, String(sent.event_id));
    pos = await slide(client, bob, pos);
    await client.call('PUT', `${room}/redact/${encodeURIComponent(String(sent.event_id))}/r${i}`, alice, {});
  }
}

/** The traffic of encryption: one device's keys, which another one asks for, and messages to it. */
async function encrypt(client: Client, of: Json, other: string, i: number): Promise<void> {
  const [user, device] = [String(of.user_id), String(of.device_id)];
  const key = { ...signingKeyFromSeed(Buffer.alloc(SEED_BYTES, 1), 'ed25519:warm'), keyId: `ed25519:${device}` };
  const keys = { [key.keyId]: key.publicKey };
  const algorithms = [`m.${i % 3}`];
  const device_keys = signJson({ user_id: user, device_id: device, algorithms, keys }, user, key);
  const one_time_keys = { [`signed_curve25519:A${i}`]: { key: 'k' }, [`signed_curve25519:B${i}`]: { key: 'k' } };
  await client.call('POST', '/keys/upload', String(of.access_token), { device_keys, one_time_keys });
  await client.call('POST', '/keys/query', other, { device_keys: { [user]: [] } });
  await client.call('POST', '/keys/claim', other, { one_time_keys: { [user]: { [device]: 'signed_curve25519' } } });
  const messages = { [user]: { [device]: { i }, '*': { i } } };
  await client.call('PUT', `/sendToDevice/org.hearth.warm/t${i}`, other, { messages });
  await client.call('GET', '/sync', String(of.access_token));
}

/** What clients do when they come, and now and then. */
async function visit(client: Client, { user_id, access_token }: Json, room: string, eventId: string): Promise<void> {
  const token = String(access_token);
  const [user, event] = [encodeURIComponent(String(user_id)), encodeURIComponent(eventId)];
  const read = ['/capabilities', '/pushrules/', '/devices', '/account/whoami', `/profile/${user}`, '/publicRooms'];
  const inRoom = [`${room}/context/${event}`, `${room}/event/${event}`, `${room}/aliases`, `${room}/joined_members`];
  const peeking = `/events?timeout=0&room_id=${room.slice('/rooms/'.length)}`;
  for (const path of [...read, ...inRoom, '/notifications', peeking]) await client.call('GET', path, token);
  for (const path of [`${room}/relations/${event}`, `${room}/threads`]) {
    await client.call('GET', path, token, undefined, 'v1');
  }
  const { filter_id } = await client.call('POST', `/user/${user}/filter`, token, { room: { timeline: { limit: 5 } } });
  await client.call('GET', `/sync?filter=${String(filter_id)}`, token);
  await client.call('PUT', `${room}/typing/${user}`, token, { typing: true, timeout: 1000 });
  await client.call('PUT', `/presence/${user}/status`, token, { presence: 'online' });
  await client.call('PUT', `/user/${user}/account_data/org.hearth.warm`, token, {});
  await client.call('POST', `${room}/read_markers`, token, { 'm.fully_read': eventId });
  await client.call('POST', '/search', token, { search_categories: { room_events: { search_term: 'message' } } });
  await client.call('POST', '/user_directory/search', token, { search_term: 'a' });
}

/** What Element X does all the time. */
async function slide(client: Client, token: string, pos?: string): Promise<string> {
  const required_state = [
    ['m.room.name', ''],
    ['m.room.member', '$LAZY'],
  ];
  const all = { ranges: [[0, 20]], required_state, timeline_limit: 10 };
  const extensions = { to_device: { enabled: true }, e2ee: { enabled: true }, account_data: { enabled: true } };
  const path = `/org.matrix.simplified_msc3575/sync?timeout=0${pos === undefined ? '' : `&pos=${pos}`}`;
  const body = { conn_id: 'warm', lists: { all }, extensions };
  return String((await client.call('POST', path, token, body, 'unstable')).pos);
}

async function look(client: Client, token: string, room: string, lazy: string): Promise<void> {
  for (const path of ['/sync', `/sync?filter=${lazy}`, '/initialSync', `${room}/initialSync`, '/joined_rooms']) {
    await client.call('GET', path, token);
  }
  for (const path of ['/state', '/members', '/messages?dir=b&limit=50']) await client.call('GET', room + path, token);
  const { end } = await client.call('GET', '/events?timeout=0', token);
  await client.call('GET', `/events?timeout=0&from=${String(end)}`, token);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function untilReady(url: string): Promise<void> {
  for (let i = 0; i < 100; i += 1) {
    const response = await fetch(`${url}/_matrix/client/versions`).catch(() => undefined);
    if (response?.ok === true) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the server did not start');
}

const folder = mkdtempSync(join(tmpdir(), 'hearth-warm-up-'));
try {
  const port = await freePort();
  const config = {
    data_dir: join(folder, 'data'),
    listen: [`127.0.0.1:${port}`],
    registration: { policy: 'open' },
    passwords: { memory_kib: 8 },
    rate_limits: false,
    log: { level: 'error' },
  };
  writeFileSync(join(folder, 'hearth.yaml'), JSON.stringify(config));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.argv = [process.execPath, 'hearth', 'start', '--config', join(folder, 'hearth.yaml')];
  const { keepCompiled } = (await import(new URL('../bin/hearth.js', import.meta.url).href)) as {
    keepCompiled?: () => void;
  };
  const url = `http://127.0.0.1:${port}`;
  await untilReady(url);
  await talk(new Client(url));
  keepCompiled?.();
} catch (error) {
  console.warn(`hearth: the first start will be slower: ${error instanceof Error ? error.message : String(error)}`);
}
process.kill(process.pid, 'SIGTERM');
