import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { AUTHORITY, SERVER_TLS } from '../support/certificates.ts';
import { pathOf } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import { freePort } from '../support/free-port.ts';
import { registerUser, type SyncReply, type TestUser } from '../support/user.ts';
import { callServer, ServerGone } from './call-server.ts';
import { ServerProcess } from './server-process.ts';

/** The options of a crash test of two servers. The seed decides everything except the timing of the machine. */
interface FederatedCrashOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly say: (line: string) => void;
}

/** A to-device message with its number. */
interface ReceivedMessage {
  readonly content: JsonObject;
}

/** The time in which everything that was acknowledged has to arrive after the last kill. */
const ARRIVAL_MS = 60_000;
const RETRY_MS = 20;

/**
 * Kills two servers that share a room while a user of each writes in it. Every acknowledged message has to reach the
 * other server once and in order, and every to-device message once. @throws Error with the seed
 */
export async function federatedCrashRounds({ seed, rounds, say }: FederatedCrashOptions): Promise<void> {
  const dice = new Dice(seed);
  const folder = mkdtempSync(join(tmpdir(), 'hearth-crash-tls-'));
  const servers: ServerProcess[] = [];
  try {
    servers.push(await create(folder), await create(folder));
    const [one, two] = servers;
    if (one === undefined || two === undefined) throw new Error('there must be two');
    await Promise.all([one.start(), two.start()]);
    const pair = await Pair.create(one, two);
    for (let round = 1; round <= rounds; round += 1) {
      const victims = dice.chance(0.2) ? [one, two] : [dice.chance(0.5) ? one : two];
      await pair.writeDuring(async () => {
        await sleep(dice.between(50, 700));
        await Promise.all(victims.map((server) => server.end('SIGKILL')));
        if (dice.chance(0.5)) await sleep(dice.between(10, 500));
        await Promise.all(victims.map((server) => server.start()));
        await sleep(dice.between(0, 300));
      });
      say(`seed ${seed}, round ${round}: killed ${victims.length}, ${pair.count} messages`);
    }
    await pair.check();
  } catch (error) {
    const logs = servers.map(({ log }) => log.slice(-5_000)).join('\n---\n');
    throw new Error(`crash test of two servers with seed ${seed}; the servers say:\n${logs}`, { cause: error });
  } finally {
    await Promise.all(servers.map((server) => server.remove()));
    rmSync(folder, { recursive: true });
  }
}

async function create(folder: string): Promise<ServerProcess> {
  const paths = { authority: join(folder, 'ca.pem'), cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(paths.authority, AUTHORITY);
  writeFileSync(paths.cert, SERVER_TLS.cert);
  writeFileSync(paths.key, SERVER_TLS.key);
  const port = await freePort();
  return ServerProcess.create(undefined, {
    SERVER_NAME: `127.0.0.1:${port}`,
    HS_FEDERATION_PORT: `${port}`,
    HS_CA_CERT: paths.authority,
    HS_TLS_CERT: paths.cert,
    HS_TLS_KEY: paths.key,
  });
}

/** A user with the messages that the user's server has acknowledged. */
interface Author {
  readonly user: TestUser;
  readonly other: string;
  readonly sent: string[];
  /** The numbers of to-device messages. */
  readonly devices: number[];
  next: number;
}

/** Two users on two servers in one room. */
class Pair {
  readonly #room: string;
  readonly #authors: readonly Author[];

  private constructor(room: string, authors: readonly Author[]) {
    this.#room = room;
    this.#authors = authors;
  }

  static async create(one: ServerProcess, two: ServerProcess): Promise<Pair> {
    const alice = await registerUser(one, { username: 'alice' });
    const bob = await registerUser(two, { username: 'bob' });
    const room = await alice.createRoom();
    await bob.post(pathOf('join', room), {}, { server_name: alice.userId.replace(/^[^:]*:/, '') });
    const author = (user: TestUser, other: TestUser): Author => ({
      user,
      other: other.userId,
      sent: [],
      devices: [],
      next: 0,
    });
    return new Pair(room, [author(alice, bob), author(bob, alice)]);
  }

  get count(): number {
    return this.#authors.reduce((sum, { sent }) => sum + sent.length, 0);
  }

  /** Lets both users write until `task` has ended. */
  async writeDuring(task: () => Promise<void>): Promise<void> {
    let isOver = false;
    const writing = this.#authors.map((author) => this.#write(author, () => isOver));
    try {
      await task();
    } finally {
      isOver = true;
      await Promise.all(writing);
    }
  }

  async #write(author: Author, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const n = author.next;
      author.next += 1;
      const body = { msgtype: 'm.text', body: `${author.user.userId} ${n}` };
      await untilAcknowledged(author.user, pathOf('rooms', this.#room, 'send', 'm.room.message', `m${n}`), body);
      author.sent.push(body.body);
      if (n % 5 !== 0) continue;
      const messages = { messages: { [author.other]: { '*': { n } } } };
      await untilAcknowledged(author.user, pathOf('sendToDevice', 'm.test', `d${n}`), messages);
      author.devices.push(n);
    }
  }

  /** Checks that each user sees all messages once, those of each author in order. */
  async check(): Promise<void> {
    const [first, second] = this.#authors;
    if (first === undefined || second === undefined) throw new Error('there must be two');
    for (const { sent, user } of this.#authors) {
      for (const reader of this.#authors) {
        const isOwn = ({ sender }: { sender: string }) => sender === user.userId;
        await equal(`messages of ${user.userId} for ${reader.user.userId}`, sent, async () => {
          const all = await timelineOf(reader.user, this.#room);
          return all.filter(isOwn).map(({ content }) => (typeof content.body === 'string' ? content.body : ''));
        });
      }
    }
    for (const [author, reader] of [
      [first, second],
      [second, first],
    ] as const) {
      const received: number[] = [];
      let since: string | undefined;
      await equal(`to-device messages of ${author.user.userId}`, author.devices, async () => {
        const reply: SyncReply & { to_device?: { events: ReceivedMessage[] } } = await reader.user.sync({ since });
        since = reply.next_batch;
        received.push(...(reply.to_device?.events ?? []).map(({ content }) => Number(content.n)));
        return received;
      });
    }
  }
}

/** Repeats a request until the server has acknowledged it, also if the server is killed and started meanwhile. */
async function untilAcknowledged(user: TestUser, path: string, body: JsonObject): Promise<void> {
  const deadline = performance.now() + ARRIVAL_MS;
  for (;;) {
    try {
      await callServer(user, 'PUT', path, { body });
      return;
    } catch (error) {
      if (!(error instanceof ServerGone) || performance.now() > deadline) throw error;
      await sleep(RETRY_MS);
    }
  }
}

/** Returns the messages in the timeline of a room, oldest first. */
async function timelineOf(user: TestUser, room: string) {
  const pages: { sender: string; content: JsonObject }[] = [];
  let from: string | undefined;
  do {
    const page = await user.messages(room, { dir: 'b', limit: 500, ...(from !== undefined && { from }) });
    pages.push(...page.chunk.filter(({ type }) => type === 'm.room.message'));
    from = page.end;
  } while (from !== undefined);
  return pages.reverse();
}

/** Waits until a list has all expected members, and checks that it has no others and their order. */
async function equal<T>(name: string, expected: readonly T[], read: () => Promise<readonly T[]>): Promise<void> {
  const deadline = performance.now() + ARRIVAL_MS;
  let found: readonly T[] = [];
  do {
    found = await read();
    if (found.length >= expected.length) break;
    await sleep(200);
  } while (performance.now() < deadline);
  const wrong = expected.findIndex((value, i) => found[i] !== value);
  if (wrong === -1 && found.length === expected.length) return;
  const around = (list: readonly T[]) => list.slice(Math.max(0, wrong - 2), wrong + 4).join(' | ');
  throw new Error(
    `${name}: ${found.length} of ${expected.length}; at ${wrong}: expected ${around(expected)}, found ${around(found)}`,
  );
}
