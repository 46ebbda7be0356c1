import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FederationError } from '../../../src/federation/client/federation-error.ts';
import { type Database, sql } from '../../../src/storage/engine/database.ts';
import { insertOutgoingEdus } from '../../../src/storage/federation/outgoing-edus.ts';
import { sqlite } from '../../storage/engines.ts';
import { openSendingWorld, type SendingWorld, settledAt } from './sending-world.ts';

const SERVER = 'peer.example';
const SELECT = sql('SELECT num FROM outgoing_edus');

let database: Database;
let end: () => Promise<void>;
let world: SendingWorld;
let num: number;

beforeEach(async () => {
  ({ database, end } = await sqlite.open());
  world = openSendingWorld(database);
  num = 0;
});
afterEach(async () => {
  world.sender.close();
  await end();
});

/** Stores an EDU with the next number. */
async function add(length = 0, json?: string): Promise<void> {
  num += 1;
  const text = json ?? `{"n":${num},"x":"${'x'.repeat(length)}"}`;
  await database.commit([insertOutgoingEdus([num], [SERVER], [text], world.clock.now())]);
  world.sender.wakeForStored([SERVER]);
}
const waiting = async () => (await database.all(SELECT)).length;
const settled = () => settledAt(() => world.sent.length);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe('the stored EDUs for a server', () => {
  test('are sent in order and in transactions that are not too long', async () => {
    for (let i = 0; i < 5; i += 1) await add(200_000);
    await settled();
    await expect.poll(() => world.edus().flat()).toEqual([1, 2, 3, 4, 5]);
    expect(Math.max(...world.edus().map((edus) => edus.length))).toBeLessThanOrEqual(2);
    await expect.poll(waiting).toBe(0);
  });

  test('are at most 100 in a transaction', async () => {
    world.reactions.push(world.noAnswer);
    for (let i = 0; i < 130; i += 1) await add();
    await settled();
    world.destinations.alive(SERVER);
    await settled();
    await expect.poll(() => world.edus().slice(1).flat()).toHaveLength(130);
    expect(Math.max(...world.edus().map((edus) => edus.length))).toBe(100);
    await expect.poll(waiting).toBe(0);
  });

  test('wait for the end of the back-off, or for a sign of life', async () => {
    world.reactions.push(world.noAnswer, world.noAnswer);
    await add();
    await settled();
    await add();
    await settled();
    await expect.poll(() => world.edus()).toEqual([[1]]);
    await world.clock.pass(1_001);
    await settled();
    await expect.poll(() => world.edus()).toEqual([[1], [1]]);
    world.destinations.alive(SERVER);
    await settled();
    await expect.poll(() => world.edus()).toEqual([[1], [1], [1], [2]]);
    expect(new Set(world.sent.slice(0, 3).map(({ id }) => id)).size).toBe(1);
    expect(world.sent[3]?.id).not.toBe(world.sent[0]?.id);
    await expect.poll(waiting).toBe(0);
  });

  test('are tried again after an error of the server, later after each one, and after a restart', async () => {
    world.always = world.refuse(500);
    await add();
    await settled();
    await world.clock.pass(60_001);
    await settled();
    await world.clock.pass(60_001);
    await settled();
    await expect.poll(() => world.edus()).toEqual([[1], [1]]);
    world.sender.close();
    world = openSendingWorld(database);
    await world.sender.start();
    await settled();
    await expect.poll(() => world.edus()).toEqual([[1]]);
    await expect.poll(waiting).toBe(0);
  });

  test('are dropped if the configuration does not permit the server, or after their time', async () => {
    world.reactions.push(() => {
      throw new FederationError('not-permitted', 'denied');
    });
    await add();
    await settled();
    await expect.poll(waiting).toBe(0);
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
    world.reactions.push(world.noAnswer);
    await add();
    await settled();
    await expect.poll(waiting).toBe(1);
    await world.storedEdus.expire(world.clock.now() + 1);
    await expect.poll(waiting).toBe(0);
    world.destinations.alive(SERVER);
    await settled();
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
  });

  test('are dropped if they have no canonical form', async () => {
    await add(0, '{"n":1,"x":"\\ud800"}');
    await add();
    await settled();
    await expect.poll(() => world.edus()).toEqual([[2]]);
    await expect.poll(waiting).toBe(0);
  });
});

describe('the EDUs in memory for a server', () => {
  test('replace each other by key', async () => {
    world.sender.queueEdu(SERVER, 'typing', { n: 1 });
    await settled();
    world.reactions.push(world.noAnswer);
    world.sender.queueEdu(SERVER, 'receipt', { n: 2 });
    await settled();
    world.sender.queueEdu(SERVER, 'receipt', { n: 3 });
    world.sender.queueEdu(SERVER, 'typing', { n: 4 });
    world.sender.queueEdu(SERVER, 'receipt', { n: 5 });
    world.destinations.alive(SERVER);
    await settled();
    await expect.poll(() => world.edus()).toEqual([[1], [2], [2], [5, 4]]);
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
  });

  test('are bounded, and dropped when the server has not answered for a minute', async () => {
    await world.positions.load(0);
    world.reactions.push(world.noAnswer);
    for (let n = 1; n <= 150; n += 1) world.sender.queueEdu(SERVER, `key ${n}`, { n });
    await settled();
    world.always = world.noAnswer;
    for (let n = 1; n <= 150; n += 1) world.sender.queueEdu(SERVER, `key ${n}`, { n });
    await expect.poll(() => world.queues.get(SERVER)?.edusWaiting).toBeLessThanOrEqual(200);
    await world.clock.pass(70_000);
    await world.positions.store();
    await expect.poll(() => world.queues.get(SERVER)?.edusWaiting).toBe(0);
    world.sender.queueEdu(SERVER, 'key', { n: 0 });
    await expect.poll(() => world.queues.get(SERVER)?.edusWaiting).toBe(0);
  });

  test('are sent together with events', async () => {
    world.reactions.push(world.noAnswer);
    world.send([SERVER], 1);
    await settled();
    world.send([SERVER], 2);
    world.sender.queueEdu(SERVER, 'typing', { n: 1 });
    await add();
    world.destinations.alive(SERVER);
    await settled();
    await expect.poll(() => world.pdus()).toEqual([[1], [1], [2]]);
    await expect.poll(() => world.edus()).toEqual([[], [], [1, 1]]);
  });
});

describe('events for servers', () => {
  test('events are sent in order, at most 50 in a transaction and one transaction at a time', async () => {
    world.send([SERVER], ...range(1, 120));
    await settled();
    world.send([SERVER], 121);
    await settled();
    await expect.poll(() => world.pdus().flat()).toEqual(range(1, 121));
    expect(Math.max(...world.pdus().map((pdus) => pdus.length))).toBe(50);
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
  });

  test('long events are sent in transactions of at most 480 KiB, and one that is longer alone', async () => {
    world.pdu = (n) => `{"n":${n},"x":"${'ü'.repeat(n === 7 ? 300_000 : 30_000)}"}`;
    world.send([SERVER], ...range(1, 20));
    await settled();
    expect(world.pdus().flat()).toEqual(range(1, 20));
    expect(world.pdus().map((pdus) => pdus.length)).toEqual([6, 1, 8, 5]);
  });

  test('events go to twenty servers, of which one that does not answer does not delay the others', async () => {
    const servers = range(1, 20).map((n) => `s${n}.example`);
    world.always = (transaction) => (transaction.server === 's7.example' ? world.noAnswer(transaction) : undefined);
    world.send(servers, 1, 2, 3);
    await settled();
    const by = Map.groupBy(world.sent, ({ server }) => server);
    for (const server of servers.filter((name) => name !== 's7.example'))
      expect(by.get(server)?.flatMap(({ pdus }) => pdus.map(({ n }) => n))).toEqual([1, 2, 3]);
    world.always = undefined;
    world.destinations.alive('s7.example');
    await settled();
    const seventh = world.sent.filter(({ server }) => server === 's7.example');
    expect(seventh.slice(1).flatMap(({ pdus }) => pdus.map(({ n }) => n))).toEqual([1, 2, 3]);
  });

  test('events soon after a transaction wait a little and are sent together, the first one after a pause is not', async () => {
    world.sender.close();
    world = openSendingWorld(database, 25);
    for (const n of [1, 2, 3]) {
      world.send([SERVER], n);
      await settled();
    }
    await expect.poll(() => world.pdus()).toEqual([[1]]);
    await world.clock.pass(25);
    await expect.poll(() => world.pdus()).toEqual([[1], [2, 3]]);
    await world.clock.pass(25);
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
    world.send([SERVER], 4);
    await settled();
    await expect.poll(() => world.pdus().at(-1)).toEqual([4]);
    world.send([SERVER], ...range(5, 104));
    await world.clock.pass(25);
    await settled();
    await expect.poll(() => world.pdus().slice(-2)).toEqual([range(5, 54), range(55, 104)]);
  });

  test('PDUs that the server rejects one by one are not sent again', async () => {
    world.reactions.push(() => ({ pdus: { $1: { error: 'no' }, $2: {} } }));
    world.send([SERVER], 1, 2);
    await settled();
    await expect.poll(() => world.pdus()).toEqual([[1, 2]]);
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
  });

  test('a PDU because of which the server refuses transactions is skipped, and does not stop the others', async () => {
    const refuse = world.refuse(400);
    world.always = (transaction) => (transaction.pdus.some(({ n }) => n === 33) ? refuse(transaction) : undefined);
    world.send([SERVER], ...range(1, 100));
    await settled();
    const accepted = world.pdus().filter((pdus) => !pdus.includes(33));
    expect(accepted.flat()).toEqual(range(1, 100).filter((n) => n !== 33));
    expect(world.sent.length).toBeLessThan(25);
    expect(world.warnings).toContain('skipped an event or EDU that another server refuses');
    await expect.poll(() => world.queues.get(SERVER)).toBeUndefined();
  });

  test('waiting PDUs are kept, and sent more and more rarely, if the server is overloaded', async () => {
    world.always = world.refuse(429);
    world.send([SERVER], 1, 2);
    await settled();
    for (let minutes = 0; minutes < 300; minutes += 1) await world.clock.pass(60_000);
    expect(world.sent.length).toBeGreaterThan(5);
    expect(world.sent.length).toBeLessThan(20);
    world.always = undefined;
    await world.clock.pass(3_600_000);
    await settled();
    await expect.poll(() => world.pdus().at(-1)).toEqual([1, 2]);
  });

  test('events that cannot be rendered are skipped', async () => {
    world.send([SERVER], -1, 2, -3);
    world.send(['other.example'], -4);
    await settled();
    await expect.poll(() => world.pdus()).toEqual([[2]]);
    expect([...world.queues.entries()]).toEqual([]);
  });
});

const SELECT_LATE = sql('SELECT server, position FROM late_servers');
const SELECT_COMMON = sql("SELECT position FROM followers WHERE name = 'sending to other servers'");

test.each(['no answer', 'a refusal'])('the stored position moves on although a server has %s', async (kind) => {
  await world.positions.load(0);
  const fail = kind === 'a refusal' ? world.refuse(500) : world.noAnswer;
  world.always = (transaction) => (transaction.server === SERVER ? fail(transaction) : undefined);
  world.send([SERVER, 'other.example'], 3, 4);
  await settled();
  await world.positions.store();
  expect([await database.all(SELECT_LATE), await database.all(SELECT_COMMON)]).toEqual([[], [{ position: 2 }]]);
  world.clock.skip(60_000);
  world.send(['other.example'], 5);
  await settled();
  await world.positions.store();
  expect(await database.all(SELECT_LATE)).toEqual([{ server: SERVER, position: 2 }]);
  expect(await database.all(SELECT_COMMON)).toEqual([{ position: 5 }]);
  world.always = undefined;
  await world.clock.pass(120_000);
  await settled();
  await world.positions.store();
  expect([await database.all(SELECT_LATE), await database.all(SELECT_COMMON)]).toEqual([[], [{ position: 5 }]]);
});

test('metrics count by outcome, and show what waits', async () => {
  await world.positions.load(0);
  world.reactions.push(() => ({ pdus: { $1: { error: 'no' }, $2: {} } }), world.refuse(400));
  world.send([SERVER], 1, 2, -3);
  await settled();
  world.send([SERVER], 4);
  await settled();
  expect(Object.fromEntries(world.counted)).toEqual({
    'pdus_total accepted': 1,
    'pdus_total rejected': 1,
    'pdus_total dropped': 1,
    'pdus_total skipped': 1,
  });
  world.always = world.noAnswer;
  world.send([SERVER, 'other.example'], 5, 6);
  world.sender.queueEdu(SERVER, 'typing', { n: 1 });
  await settled();
  world.clock.skip(30_000);
  expect(world.gauge('waiting_events')).toBe(4);
  expect(world.gauge('waiting_edus')).toBe(1);
  expect(world.gauge('oldest_waiting_event_seconds')).toBe(30);
  expect(world.gauge('late_servers')).toBe(0);
  world.clock.skip(60_000);
  await world.positions.store();
  expect(world.gauge('late_servers')).toBe(2);
  expect(world.gauge('waiting_edus')).toBe(0);
  expect(world.gauge('oldest_waiting_event_seconds')).toBe(0);
  expect(world.counted.get('edus_total dropped')).toBe(1);
});
