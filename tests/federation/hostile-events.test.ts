import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PduDraft } from '../../packages/protocol/src/events/event.ts';
import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { HOSTILE_KINDS, type HostileRoom, hostilePdu, INVALID, REFUSED } from '../support/hostile-pdus.ts';
import { type PeerAnswer, type ReceivedRequest, startPeer } from '../support/peer.ts';
import { RemoteServer } from '../support/remote-members.ts';
import type { TestUser } from '../support/user.ts';

/** The time in which an honest event is accepted, whatever other servers have sent. */
const HONEST_MS = 2_000;
/** The memory that hostile input may leave behind, in bytes. */
const MEMORY_MAX = 150 * 1024 * 1024;

let server: FederatingServer;
let honest: RemoteServer;
let alice: TestUser;
const peers: RemoteServer[] = [];
const begin = async (answer?: (request: ReceivedRequest) => PeerAnswer) => {
  const remote = new RemoteServer(await startPeer(answer ?? (() => [200, { pdus: {} }])), server);
  peers.push(remote);
  return remote;
};
beforeAll(async () => {
  server = await startFederatingServer('127.0.0.84');
  honest = await begin();
  alice = await server.user('alice');
});
afterEach(() => expect(server.faults).toEqual([]));
afterAll(async () => {
  await server.close();
  await Promise.all(peers.map(({ peer }) => peer.close()));
});

let count = 0;
const createRoom = async (version: string) =>
  (await alice.post<{ room_id: string }>('/createRoom', { preset: 'public_chat', room_version: version })).room_id;

/** Returns the members of an event of a user that follows the room's last event. */
async function placeOf(remote: RemoteServer, roomId: string, userId: string): Promise<PduDraft> {
  const { state_key: _, type: _type, content: _content, ...place } = (await remote.make('leave', roomId, userId)).json
    .event as JsonObject;
  return place as unknown as PduDraft;
}

/** Sends a transaction, whose answer has to be a standard one. Returns the results. */
async function send(by: RemoteServer, pdus: JsonValue[]): Promise<Record<string, { error?: string }>> {
  count += 1;
  const body = { origin: by.peer.name, origin_server_ts: 1, pdus, edus: [] };
  const { status, json } = await by.request('PUT', `/v1/send/t${count}`, { body });
  expect([status, Object.keys(json)]).toEqual([200, ['pdus']]);
  const results = json.pdus as Record<string, { error?: string }>;
  for (const result of Object.values(results)) expect(['undefined', 'string']).toContain(typeof result.error);
  return results;
}

const isStored = async (roomId: string, eventId: string) =>
  (await alice.request('GET', pathOf('rooms', roomId, 'event', eventId))).status === 200;

/** Sends an event of a server that keeps to the rules. Returns it when clients see it. */
async function expectHonestEvent(by: RemoteServer, roomId: string, version: string, userId: string) {
  count += 1;
  const place = await placeOf(by, roomId, userId);
  const content = { msgtype: 'm.text', body: `honest ${count}` };
  const { eventId, pdu } = by.sign(version, { ...place, type: 'm.room.message', content } as PduDraft);
  expect(await send(by, [pdu])).toEqual({ [eventId]: {} });
  await expect.poll(() => isStored(roomId, eventId), { timeout: HONEST_MS, interval: 20 }).toBe(true);
  return pdu;
}

/** Checks that no stored event is invalid, and that the rules permit the accepted ones. */
async function expectOnlyValid() {
  const rows = await server.look<{ standing: number; content: string }>('SELECT standing, content FROM events');
  expect(rows.filter(({ content }) => content.includes(INVALID))).toEqual([]);
  expect(rows.filter(({ standing, content }) => standing === 0 && content.includes(REFUSED))).toEqual([]);
  const types = await server.look("SELECT text FROM names WHERE text LIKE '%invalid-event%'");
  expect(types).toEqual([]);
}

const emptied = (roomId: string) =>
  expect
    .poll(() => server.look(`SELECT event_id FROM staged_events WHERE room_id = '${roomId}'`), { timeout: 5_000 })
    .toEqual([]);

describe.each(['1', '3', '6', '10', '11', '12'])('a room of version %s', (version) => {
  test('contains only what the rules accept, whatever a server in it sends', async () => {
    const dice = new Dice(Number(version));
    const remote = await begin(() => [404, { errcode: 'M_NOT_FOUND' }]);
    const [roomId, other] = [await createRoom(version), await createRoom(version)];
    const [mallory, dora] = [remote.user('mallory'), honest.user('dora')];
    await remote.join(roomId, mallory);
    await honest.join(roomId, dora);
    await honest.join(other, dora);
    const accepted = [await expectHonestEvent(remote, roomId, version, mallory)];
    const target = await alice.send(roomId, 'a message of alice');
    const stateBefore = await alice.get(pathOf('rooms', roomId, 'state'));
    const room: HostileRoom = {
      version,
      roomId,
      mallory,
      alice: alice.userId,
      place: await placeOf(remote, roomId, mallory),
      otherPlace: await placeOf(honest, other, dora),
      accepted,
    };
    for (let round = 0; round < 8; round += 1) {
      const pdus = HOSTILE_KINDS.map((kind) => hostilePdu(kind, room, remote, dice));
      await send(remote, pdus);
    }
    await expectHonestEvent(honest, roomId, version, dora);
    await expectHonestEvent(remote, roomId, version, mallory);
    await expectOnlyValid();
    expect(await alice.get(pathOf('rooms', roomId, 'state'))).toEqual(stateBefore);
    const message = await alice.get<{ content: JsonObject }>(pathOf('rooms', roomId, 'event', target));
    expect(message.content.body).toBe('a message of alice');
    await emptied(roomId);
  });
});
