import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import type { TestUser } from '../support/user.ts';

let one: FederatingServer;
let two: FederatingServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [one, two] = [await startFederatingServer('127.0.0.2'), await startFederatingServer('127.0.0.3')];
  [alice, bob] = [await one.user('alice'), await two.user('bob')];
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  expect([...one.faults, ...two.faults]).toEqual([]);
});

const bodies = async (roomId: string) => {
  const found: string[] = [];
  let from: string | undefined;
  do {
    const page = await bob.messages(roomId, { dir: 'b', limit: 100, ...(from !== undefined && { from }) });
    found.push(...page.chunk.flatMap(({ content }) => (typeof content.body === 'string' ? [content.body] : [])));
    from = page.end;
  } while (from !== undefined);
  return found.reverse();
};

/** Makes a stopped server forget the queue for another one, as after an outage of more than ten minutes. */
function makeLate(server: FederatingServer, late: string, position: number): void {
  const database = new DatabaseSync(join(server.dataDir, 'hearth.db'));
  database
    .prepare('INSERT OR REPLACE INTO late_servers (server, position, failing_since) VALUES (?, ?, ?)')
    .run(late, position, Date.now());
  database.exec(
    "UPDATE followers SET position = (SELECT max(num) FROM events) WHERE name = 'sending to other servers'",
  );
  database.close();
}

test.each([5, 60, 250])(
  'a server that has missed %i messages gets all of them after a long outage',
  async (count) => {
    const roomId = await alice.createRoom();
    await bob.post(pathOf('join', roomId), {}, { server_name: one.name });
    await alice.send(roomId, 'before');
    await expect.poll(() => bodies(roomId)).toEqual(['before']);
    const [last] = await one.look<{ position: number }>('SELECT max(num) AS position FROM events');
    await two.stop();
    const missed = Array.from({ length: count }, (_, n) => `missed ${n}`);
    for (const body of missed) await alice.send(roomId, body);
    await one.stop();
    makeLate(one, two.name, last?.position ?? 0);
    await two.restart();
    await one.restart();
    await expect.poll(async () => (await bodies(roomId)).at(-1), { timeout: 20_000 }).toBe(missed.at(-1));
    await alice.send(roomId, 'after');
    await expect.poll(async () => (await bodies(roomId)).at(-1), { timeout: 20_000 }).toBe('after');
    await expect.poll(() => bodies(roomId), { timeout: 20_000 }).toEqual(['before', ...missed, 'after']);
  },
  60_000,
);
