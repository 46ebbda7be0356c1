import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Destinations } from '../../src/federation/client/destinations.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { TransactionSender } from '../../src/federation/sending/transaction-sender.ts';
import { Background } from '../../src/platform/concurrency/background.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { type Database, sql } from '../../src/storage/engine/database.ts';
import { insertOutgoingEdus } from '../../src/storage/federation/outgoing-edus.ts';
import { sqlite } from '../storage/engines.ts';
import { ManualClock } from '../support/manual-clock.ts';

const SERVER = 'peer.example';
const SELECT = sql('SELECT num FROM outgoing_edus');

describe('the queue of EDUs for a server', () => {
  let database: Database;
  let end: () => Promise<void>;
  let clock: ManualClock;
  let destinations: Destinations;
  let sender: TransactionSender;
  /** The numbers in each transaction that the server has got. */
  let sent: number[][];
  /** The reactions of the server to the next transactions; it accepts further ones. */
  let failures: (() => void)[];
  let num: number;

  beforeEach(async () => {
    ({ database, end } = await sqlite.open());
    clock = new ManualClock();
    [sent, failures, num] = [[], [], 0];
    destinations = new Destinations(clock, systemRandom, { minMs: 1_000, maxMs: 60_000 }, silentLog);
    open();
  });
  afterEach(async () => {
    sender.close();
    await end();
  });

  function open(): void {
    const request = async (_server: string, { content }: { content?: JsonObject }) => {
      const edus = content?.edus as unknown as readonly { n: number }[];
      sent.push(edus.map(({ n }) => n));
      failures.shift()?.();
      return { pdus: {} };
    };
    const background = new Background(clock, silentLog);
    sender = new TransactionSender({
      database,
      client: { request },
      destinations,
      clock,
      background,
      log: silentLog,
      serverName: 'hearth.test',
    });
  }

  /** Queues an EDU with the next number. */
  async function add(length = 0): Promise<void> {
    num += 1;
    await database.commit([
      insertOutgoingEdus([num], [SERVER], [`{"n":${num},"x":"${'x'.repeat(length)}"}`], clock.now()),
    ]);
    sender.wake([SERVER]);
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve, 30));
  const waiting = async () => (await database.all(SELECT)).length;
  const noAnswer = () => {
    destinations.failed(SERVER, clock.elapsed(), 'no connection');
    throw new FederationError('no-answer', 'no connection');
  };
  const refuse = () => {
    throw new FederationError('refused', 'has answered 500', { status: 500 });
  };

  test('is sent in order and in transactions that are not too long', async () => {
    for (let i = 0; i < 5; i += 1) await add(200_000);
    await settled();
    expect(sent.flat()).toEqual([1, 2, 3, 4, 5]);
    expect(Math.max(...sent.map((edus) => edus.length))).toBeLessThanOrEqual(2);
    expect(await waiting()).toBe(0);
  });

  test('waits for the end of the back-off, or for a sign of life', async () => {
    failures.push(noAnswer, noAnswer);
    await add();
    await settled();
    await add();
    await settled();
    expect(sent).toEqual([[1]]);
    await clock.pass(1_001);
    await settled();
    expect(sent).toEqual([[1], [1, 2]]);
    destinations.alive(SERVER);
    await settled();
    expect(sent).toEqual([[1], [1, 2], [1, 2]]);
    expect(await waiting()).toBe(0);
  });

  test('is tried again after a refusal, later after each one, and after a restart', async () => {
    failures.push(refuse, refuse);
    await add();
    await settled();
    await clock.pass(60_001);
    await settled();
    await clock.pass(60_001);
    await settled();
    expect(sent).toEqual([[1], [1]]);
    sender.close();
    open();
    await sender.start();
    await settled();
    expect(sent).toEqual([[1], [1], [1]]);
    expect(await waiting()).toBe(0);
  });

  test('includes EDUs in memory, of which the latest with a key counts', async () => {
    sender.queueEdu(SERVER, 'typing', { n: 1 });
    await settled();
    sender.queueEdu(SERVER, 'typing', { n: 2 });
    sender.queueEdu(SERVER, 'receipt', { n: 3 });
    sender.queueEdu(SERVER, 'typing', { n: 4 });
    await settled();
    expect(sent.flat().toSorted()).toEqual([1, 3, 4]);
  });

  test('is dropped if the configuration does not permit the server, or after its time', async () => {
    failures.push(() => {
      throw new FederationError('not-permitted', 'denied');
    });
    await add();
    await settled();
    expect(await waiting()).toBe(0);
    failures.push(noAnswer);
    await add();
    await settled();
    expect(await waiting()).toBe(1);
    await sender.expire(clock.now() + 1);
    expect(await waiting()).toBe(0);
  });
});
