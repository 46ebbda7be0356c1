import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pdu } from '../../packages/protocol/src/events/event.ts';
import { hasValidContentHash } from '../../packages/protocol/src/events/hash.ts';
import { asObject, asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { roomVersion } from '../../packages/protocol/src/room-versions/rules.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { type PeerAnswer, type ReceivedRequest, startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

interface ReceivedTransaction {
  readonly id: string;
  readonly pdus: readonly Pdu[];
  readonly edus: readonly JsonObject[];
}

const ACCEPTED: PeerAnswer = [200, { pdus: {} }];

/** A server that records the transactions that it gets. */
class Receiver {
  readonly transactions: ReceivedTransaction[] = [];
  answer: (transaction: ReceivedTransaction) => PeerAnswer = () => ACCEPTED;

  take({ path, body }: ReceivedRequest): PeerAnswer {
    if (!path.startsWith('/_matrix/federation/v1/send/')) return [404, {}];
    const { pdus, edus } = JSON.parse(body) as ReceivedTransaction;
    const transaction = { id: asString(path.split('/').at(-1)) ?? '', pdus, edus };
    this.transactions.push(transaction);
    return this.answer(transaction);
  }

  /** Returns the bodies of the messages that have arrived. */
  bodies(): string[] {
    return this.transactions.flatMap(({ pdus }) => pdus.flatMap(({ content }) => asString(content.body) ?? []));
  }
}

describe('the sending of events to the servers in a room', () => {
  let server: FederatingServer;
  let alice: TestUser;
  const open: RemoteServer[] = [];
  beforeAll(async () => {
    server = await startFederatingServer('127.0.0.61');
    alice = await server.user('alice');
  });
  afterEach(() => expect(server.faults).toEqual([]));
  afterAll(async () => {
    await server.close();
    await Promise.all(open.map(({ peer }) => peer.close()));
  });

  /** Starts a server whose user joins a room. */
  async function joined(...roomIds: string[]) {
    const receiver = new Receiver();
    const remote = new RemoteServer(await startPeer((request) => receiver.take(request)), server);
    open.push(remote);
    for (const roomId of roomIds) await remote.join(roomId, remote.user('bob'));
    return Object.assign(receiver, { remote });
  }
  const say = (roomId: string, body: string, user = alice) =>
    user.sendEvent(roomId, 'm.room.message', { msgtype: 'm.text', body });
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);
  /** Gives a sign of life, which ends the back-off. */
  const wake = ({ remote }: { remote: RemoteServer }) => remote.request('GET', '/v1/publicRooms');
  const waiting = (receiver: Receiver) => expect.poll(() => receiver.bodies(), { timeout: 20_000 });

  test('events are valid PDUs, in order, in transactions of at most 50, one at a time', async () => {
    const roomId = await alice.createRoom();
    const receiver = await joined(roomId);
    let running = 0;
    receiver.answer = () => (response) => {
      running += 1;
      expect(running).toBe(1);
      setTimeout(() => {
        running -= 1;
        response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"pdus":{}}');
      }, 10);
    };
    const bodies = range(1, 120);
    for (const body of bodies) await say(roomId, body);
    await waiting(receiver).toEqual(bodies);
    const version = roomVersion('12');
    for (const { pdus } of receiver.transactions) {
      expect(pdus.length).toBeLessThanOrEqual(50);
      for (const pdu of pdus) {
        expect(pdu.room_id).toBe(roomId);
        expect(version !== undefined && hasValidContentHash(pdu, version)).toBe(true);
        expect(Object.keys(asObject(pdu.signatures) ?? {})).toEqual([server.name]);
      }
    }
    expect(new Set(receiver.transactions.map(({ id }) => id)).size).toBe(receiver.transactions.length);
  });

  test('events reach twenty servers, and a join that one of them sends reaches the others', async () => {
    const roomId = await alice.createRoom();
    const receivers: Awaited<ReturnType<typeof joined>>[] = [];
    for (let i = 0; i < 20; i += 1) receivers.push(await joined(roomId));
    for (const body of range(1, 5)) await say(roomId, body);
    for (const receiver of receivers) await waiting(receiver).toEqual(range(1, 5));
    const joins = (receiver: Receiver) =>
      receiver.transactions.flatMap(({ pdus }) => pdus.filter(({ type }) => type === 'm.room.member'));
    const [first, , , last] = [receivers[0], receivers[1], receivers[2], receivers[19]];
    if (first === undefined || last === undefined) throw new Error('there must be twenty');
    // The first server gets the joins of all servers after it, and its own never.
    await expect.poll(() => joins(first).length).toBe(19);
    expect(joins(first).map(({ state_key: key }) => key)).not.toContain(first.remote.user('bob'));
    expect(joins(last)).toEqual([]);
  });

  test('events of an outage arrive when the server gives a sign of life, also if this server was restarted', async () => {
    const [one, two] = [await alice.createRoom(), await alice.createRoom()];
    const receiver = await joined(one, two);
    await say(one, 'before');
    await waiting(receiver).toEqual(['before']);
    receiver.answer = () => [502, {}];
    await say(one, 'one 1');
    await say(two, 'two 1');
    await say(one, 'one 2');
    await expect.poll(() => receiver.transactions.length).toBeGreaterThan(1);
    await server.restart();
    const attempts = receiver.transactions.length;
    await expect.poll(() => receiver.transactions.length, { timeout: 10_000 }).toBeGreaterThan(attempts);
    receiver.transactions.length = 0;
    receiver.answer = () => ACCEPTED;
    await wake(receiver);
    await waiting(receiver).toEqual(expect.arrayContaining(['one 2', 'two 1']));
    await say(one, 'one 3');
    await expect.poll(() => receiver.bodies().at(-1)).toBe('one 3');
    expect(receiver.bodies().filter((body) => body === 'one 2')).toHaveLength(1);
  });

  test('events and messages to devices are not repeated after a restart', async () => {
    const roomId = await alice.createRoom();
    const receiver = await joined(roomId);
    await say(roomId, '1');
    const to = receiver.remote.user('bob');
    await alice.put(pathOf('sendToDevice', 'm.test', 'once'), { messages: { [to]: { DEVICE: { n: 1 } } } });
    const messages = () =>
      receiver.transactions.flatMap(({ edus }) => edus.filter(({ edu_type: type }) => type === 'm.direct_to_device'));
    await expect.poll(() => [receiver.bodies(), messages().length]).toEqual([['1'], 1]);
    await server.restart();
    await say(roomId, '2');
    await waiting(receiver).toEqual(['1', '2']);
    expect(messages()).toHaveLength(1);
  });

  test('events that the server rejects one by one are not repeated, and do not stop others', async () => {
    const roomId = await alice.createRoom();
    const receiver = await joined(roomId);
    const id = await say(roomId, '1');
    await waiting(receiver).toEqual(['1']);
    receiver.answer = () => [200, { pdus: { [id]: { error: 'not for us' } } }];
    for (const body of ['2', '3']) await say(roomId, body);
    await waiting(receiver).toEqual(['1', '2', '3']);
  });

  test('events because of which the server refuses transactions are skipped', async () => {
    const roomId = await alice.createRoom();
    const receiver = await joined(roomId);
    const isBad = ({ pdus }: ReceivedTransaction) => pdus.some(({ content }) => content.body === 'bad');
    receiver.answer = () => [502, {}];
    for (const body of ['1', '2', 'bad', '3']) await say(roomId, body);
    await expect.poll(() => receiver.transactions.length).toBeGreaterThan(0);
    receiver.answer = (transaction) => (isBad(transaction) ? [400, { errcode: 'M_BAD_JSON' }] : ACCEPTED);
    await wake(receiver);
    const accepted = () =>
      receiver.transactions
        .filter((transaction) => !isBad(transaction))
        .flatMap(({ pdus }) => pdus.map(({ content }) => content.body));
    await expect.poll(() => new Set(accepted()), { timeout: 10_000 }).toEqual(new Set(['1', '2', '3']));
    await say(roomId, '4');
    await expect.poll(() => accepted().at(-1)).toBe('4');
  });

  test('a kick of the last user of a server reaches it, and nothing after that', async () => {
    const roomId = await alice.createRoom();
    const receiver = await joined(roomId);
    await alice.post(pathOf('rooms', roomId, 'kick'), { user_id: receiver.remote.user('bob') });
    await say(roomId, 'later');
    await expect
      .poll(() => receiver.transactions.flatMap(({ pdus }) => pdus.map(({ content }) => content.membership)))
      .toEqual(['leave']);
    const other = await joined(roomId);
    await say(roomId, 'end');
    await waiting(other).toEqual(['end']);
    expect(receiver.bodies()).toEqual([]);
  });
});
