import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { roomVersion } from '@hearth/protocol/room-versions/rules.ts';
import { verifyKey } from '@hearth/protocol/signing/ed25519.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Dice } from '../../../../tests/support/dice.ts';
import { openFederatedRooms } from '../../src/compose/federation-rooms.ts';
import type { FederationRequest } from '../../src/federation/client/federation-client.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import { sql } from '../../src/storage/engine/database.ts';
import { engines } from '../storage/engines.ts';
import { EventGraph, GRAPH_KEY } from '../support/event-graph.ts';
import { openWorld, type World } from '../support/world.ts';

const SERVER_OF = sql('SELECT server FROM remote_peeks WHERE room = ?');
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The other servers: they answer peeks, as long as `fails` returns no error. */
class Others {
  readonly asked: string[] = [];
  readonly graphs = new Map<string, EventGraph>();
  fails: (server: string, method: string) => FederationError | undefined = () => undefined;

  async request(server: string, { method, path }: FederationRequest): Promise<JsonObject> {
    const [, roomId = '', , renew] = path.split('/org.matrix.msc2444/')[1]?.split(/[/?]/).map(decodeURIComponent) ?? [];
    if (roomId === '') throw UNKNOWN_PEEK;
    this.asked.push(`${method} ${server}`);
    const failure = this.fails(server, method);
    if (failure !== undefined) throw failure;
    if (method !== 'PUT') return renew === 'renew' ? { renewal_interval: HOUR_MS } : {};
    return { ...this.#state(roomId), renewal_interval: HOUR_MS };
  }

  #state(roomId: string): JsonObject {
    const graph = this.graphs.get(roomId);
    const last = graph?.opening.at(-2);
    if (graph === undefined || last === undefined) throw new FederationError('refused', 'unknown', { status: 404 });
    const state = [...last.after.values()];
    const all = new Set([last.eventId, ...state, ...graph.authChain([last.eventId, ...state])]);
    return {
      latest_event_state_ids: { [last.eventId]: [] },
      common_state_ids: state,
      events: [...all].map((eventId) => graph.event(eventId).pdu),
    };
  }
}

const NO_ANSWER = new FederationError('no-answer', 'no connection');
const UNKNOWN_PEEK = new FederationError('refused', 'no such peek', { status: 404, errcode: 'M_NOT_FOUND' });

describe.each(engines)('peeks into rooms of other servers, on $name', (engine) => {
  let world: World;
  let others: Others;
  let rooms: Awaited<ReturnType<typeof openRooms>>;
  const openRooms = () => {
    const { database, clock, random, background } = world;
    const base = { database, clock, random, background, log: silentLog, metrics: noMetrics };
    const keyRing = { find: async () => verifyKey(GRAPH_KEY.publicKey) };
    return openFederatedRooms(base, { base: world, rooms: world }, others, keyRing);
  };
  beforeAll(async () => {
    world = await openWorld(engine);
    others = new Others();
    rooms = await openRooms();
  });
  afterEach(async () => {
    expect(world.faults).toEqual([]);
    // Nobody reads the rooms any more.
    others.fails = () => undefined;
    rooms.peekRequests.useWhile(() => false);
    for (let i = 0; i < 2; i += 1) await renewAfter(HOUR_MS);
  });
  afterAll(() => world.end());

  let seed = 0;
  /** Creates a room on other servers. Returns its id. */
  const newRoom = () => {
    const version = roomVersion('10');
    if (version === undefined) throw new Error('the room version is missing');
    seed += 1;
    const graph = new EventGraph(version, new Dice(seed), seed);
    others.graphs.set(graph.roomId, graph);
    return graph.roomId;
  };
  /** Opens a room. Returns the number of the room. */
  const open = async (roomId = newRoom(), user = 1) => {
    await rooms.peekRequests.open(roomId, user, []);
    return (await world.heads.get(roomId)).num;
  };
  const asked = () => others.asked.splice(0);
  const serverOf = async (room: number) =>
    (await world.database.first<{ server: string | null }>(SERVER_OF, room))?.server;
  const renewAfter = async (ms: number) => {
    world.clock.skip(ms);
    await rooms.peekRequests.renew();
    return asked();
  };

  test('begin with one request and bring the state of the room', async () => {
    const roomId = newRoom();
    const room = await open(roomId);
    await open(roomId);
    expect(asked()).toEqual(['PUT a.test']);
    const head = await world.heads.get(roomId);
    expect(head.row.joined).toBeGreaterThan(1);
    expect(head.extremities.map(({ eventId }) => eventId)).toEqual([
      others.graphs.get(roomId)?.opening.at(-2)?.eventId,
    ]);
    expect(await serverOf(room)).toBe('a.test');
  });

  test('are renewed while somebody reads the room, and end otherwise', async () => {
    const roomId = newRoom();
    const room = await open(roomId);
    asked();
    expect(await renewAfter(25 * MINUTE_MS)).toEqual([]);
    await open(roomId);
    expect(await renewAfter(6 * MINUTE_MS)).toEqual(['POST a.test']);
    expect(await renewAfter(31 * MINUTE_MS)).toEqual(['DELETE a.test']);
    expect(await serverOf(room)).toBeNull();
    expect(await renewAfter(HOUR_MS)).toEqual([]);
    await open(roomId);
    expect([asked(), await serverOf(room)]).toEqual([['PUT a.test'], 'a.test']);
  });

  test('go on while a device peeks into the room', async () => {
    const room = await open();
    rooms.peekRequests.useWhile((used) => used === room);
    asked();
    for (let i = 0; i < 3; i += 1) expect(await renewAfter(31 * MINUTE_MS)).toEqual(['POST a.test']);
    rooms.peekRequests.useWhile(() => false);
    expect(await renewAfter(31 * MINUTE_MS)).toEqual(['DELETE a.test']);
  });

  test('begin again when the server does not know them any more', async () => {
    const roomId = newRoom();
    const room = await open(roomId);
    world.clock.skip(25 * MINUTE_MS);
    await open(roomId);
    asked();
    others.fails = (_server, method) => (method === 'POST' ? UNKNOWN_PEEK : undefined);
    expect(await renewAfter(6 * MINUTE_MS)).toEqual(['POST a.test', 'PUT a.test']);
    expect(await serverOf(room)).toBe('a.test');
    rooms.peekRequests.expired('b.test', roomId);
    rooms.peekRequests.expired('a.test', roomId);
    await expect.poll(asked).toEqual(['PUT a.test']);
    expect(await serverOf(room)).toBe('a.test');
  });

  test('go on at another server when theirs does not answer until they expire', async () => {
    const roomId = newRoom();
    const room = await open(roomId);
    rooms.peekRequests.useWhile((used) => used === room);
    asked();
    others.fails = (server) => (server === 'a.test' ? NO_ANSWER : undefined);
    expect(await renewAfter(31 * MINUTE_MS)).toEqual(['POST a.test']);
    expect(await renewAfter(MINUTE_MS)).toEqual(['POST a.test']);
    expect(await serverOf(room)).toBe('a.test');
    const again = await renewAfter(30 * MINUTE_MS);
    expect(again.slice(0, 2)).toEqual(['POST a.test', 'PUT a.test']);
    expect(again).toHaveLength(3);
    expect(again.at(-1)).toMatch(/^PUT [bc]\.test$/);
    expect(await serverOf(room)).toMatch(/^[bc]\.test$/);
    rooms.peekRequests.useWhile(() => false);
  });

  test('are not tried again at once when no server permits them', async () => {
    const roomId = newRoom();
    others.fails = () => new FederationError('refused', 'no', { status: 403, errcode: 'M_FORBIDDEN' });
    for (let i = 0; i < 3; i += 1) await rooms.peekRequests.open(roomId, 1, []);
    expect(asked()).toEqual(['PUT a.test']);
    for (let i = 0; i < 3; i += 1) await rooms.peekRequests.open(roomId, 1, ['b.test']);
    expect(asked()).toEqual(['PUT b.test', 'PUT a.test']);
    const attempts = [];
    for (let minutes = 0; minutes < 10; minutes += 1) {
      world.clock.skip(MINUTE_MS);
      await rooms.peekRequests.open(roomId, 1, []);
      attempts.push(asked().length);
    }
    expect(attempts).toEqual([1, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    expect(await world.heads.find(roomId)).toBeUndefined();
  });

  test('are not tried without a server that may be in the room', async () => {
    for (let i = 0; i < 200; i += 1) await rooms.peekRequests.open(`!r${i}:test.local`, 9, []);
    expect(asked()).toEqual([]);
  });

  test('are limited for each user', async () => {
    others.fails = () => UNKNOWN_PEEK;
    for (let i = 0; i < 100; i += 1) await rooms.peekRequests.open(`!r${i}:a.test`, 7, []);
    await expect(rooms.peekRequests.open('!more:a.test', 7, [])).rejects.toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
    await rooms.peekRequests.open('!more:a.test', 8, []);
    world.clock.skip(HOUR_MS + 1);
    await rooms.peekRequests.open('!again:a.test', 7, []);
  });

  test('go on after a restart', async () => {
    const roomId = newRoom();
    const room = await open(roomId);
    asked();
    rooms = await openRooms();
    await open(roomId);
    expect(asked()).toEqual([]);
    expect(await serverOf(room)).toBe('a.test');
    expect(await renewAfter(MINUTE_MS)).toContain('POST a.test');
  });
});
