import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathOf, request } from '../../../../tests/support/client.ts';
import { startServer, type TestServer } from '../../../../tests/support/server.ts';
import { logInAgain, type SyncReply, type TestUser } from '../../../../tests/support/user.ts';
import { CrossSigningMaker, DeviceMaker } from '../support/key-maker.ts';

/** The parts of a `/sync` answer that concern a device. */
interface DeviceSync extends SyncReply {
  readonly to_device?: { readonly events: { type: string; sender: string; content: JsonObject }[] };
  readonly device_lists?: { readonly changed: string[]; readonly left: string[] };
  readonly device_one_time_keys_count: Record<string, number>;
  readonly device_unused_fallback_key_types: string[];
}

interface ToDevice {
  readonly next_batch: string;
  readonly events: { readonly content: JsonObject }[];
}

describe('encryption over HTTP', () => {
  let server: TestServer;
  let txn = 0;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(async () => {
    expect(server.faults).toEqual([]);
    await server.close();
  });

  const sync = (user: TestUser, since?: string, timeout = 0) =>
    user.get<DeviceSync>('/sync', { since, timeout, set_presence: 'offline' });
  const send = (from: TestUser, to: TestUser, n: number) => {
    txn += 1;
    const body = { messages: { [to.userId]: { [to.deviceId]: { n } } } };
    return from.put(pathOf('sendToDevice', 'm.test', `t${txn}`), body);
  };
  const upload = (user: TestUser, more: JsonObject = {}) => {
    const maker = new DeviceMaker(user.userId, user.deviceId);
    return user.post('/keys/upload', { device_keys: maker.keys(), ...more });
  };
  const numbers = ({ to_device }: DeviceSync) => to_device?.events.map(({ content }) => content.n) ?? [];
  /** Two users in a room, who have synced, and one elsewhere. */
  const open = async () => {
    const [alice, bob, carol] = [await server.user(), await server.user(), await server.user()];
    const roomId = await alice.createRoom();
    await bob.join(roomId);
    const since = new Map<TestUser, string>();
    for (const user of [alice, bob, carol]) since.set(user, (await sync(user)).next_batch);
    /** The device list changes of a user since their last look. */
    const lists = async (user: TestUser) => {
      const { device_lists, next_batch } = await sync(user, since.get(user));
      since.set(user, next_batch);
      return { changed: device_lists?.changed.toSorted() ?? [], left: device_lists?.left.toSorted() ?? [] };
    };
    return { alice, bob, carol, roomId, since, lists };
  };
  const NOTHING = { changed: [], left: [] };

  test('changed keys are told to those who share a room, also after a restart', async () => {
    const { alice, bob, carol, since, lists } = await open();
    const [before, bobs] = [since.get(alice), since.get(bob)];
    await upload(bob);
    const after = (await sync(alice)).next_batch;
    expect(await lists(alice)).toEqual({ changed: [bob.userId], left: [] });
    expect(await lists(bob)).toEqual({ changed: [bob.userId], left: [] });
    expect(await lists(carol)).toEqual(NOTHING);
    expect(await lists(alice)).toEqual(NOTHING);
    await server.restart();
    expect((await sync(alice, before)).device_lists).toEqual({ changed: [bob.userId], left: [] });
    expect((await sync(bob, bobs)).device_lists).toEqual({ changed: [bob.userId], left: [] });
    expect(await alice.get('/keys/changes', { from: before, to: after })).toEqual({ changed: [bob.userId], left: [] });
    expect(await alice.get('/keys/changes', { from: after, to: after })).toEqual(NOTHING);
    expect((await sync(alice, after)).device_lists).toBeUndefined();
  });

  test('a user who logs out, loses a device or names one has changed', async () => {
    const { alice, bob, lists } = await open();
    const other = await logInAgain(bob);
    await upload(other);
    expect(await lists(alice)).toEqual({ changed: [bob.userId], left: [] });
    await bob.put(pathOf('devices', other.deviceId), { display_name: 'new' });
    expect(await lists(alice)).toEqual({ changed: [bob.userId], left: [] });
    await other.post('/logout');
    expect(await lists(alice)).toEqual({ changed: [bob.userId], left: [] });
    expect(await alice.post('/keys/query', { device_keys: { [bob.userId]: [] } })).toMatchObject({
      device_keys: { [bob.userId]: {} },
    });
  });

  test('a user who joins has changed, one who leaves has left, as long as no other room is shared', async () => {
    const { alice, bob, carol, roomId, lists } = await open();
    await carol.join(roomId);
    expect(await lists(alice)).toEqual({ changed: [carol.userId], left: [] });
    expect(await lists(carol)).toEqual({ changed: [alice.userId, bob.userId].sort(), left: [] });
    await carol.put(pathOf('profile', carol.userId, 'displayname'), { displayname: 'Carol' });
    expect(await lists(alice)).toEqual(NOTHING);
    const second = await alice.createRoom();
    await carol.join(second);
    for (const user of [alice, bob, carol]) await lists(user);
    await carol.leave(roomId);
    expect(await lists(alice)).toEqual(NOTHING);
    expect(await lists(bob)).toEqual({ changed: [], left: [carol.userId] });
    expect(await lists(carol)).toEqual({ changed: [], left: [bob.userId] });
    await server.restart();
    await carol.leave(second);
    expect(await lists(alice)).toEqual({ changed: [], left: [carol.userId] });
    expect(await lists(carol)).toEqual({ changed: [], left: [alice.userId] });
    await upload(carol);
    expect(await lists(alice)).toEqual(NOTHING);
  });

  test('comings and goings are told to who was away', async () => {
    const { alice, bob, carol, roomId, since } = await open();
    await carol.join(roomId);
    await bob.leave(roomId);
    await server.restart();
    expect((await sync(alice, since.get(alice))).device_lists).toEqual({ changed: [carol.userId], left: [bob.userId] });
    expect((await sync(bob, since.get(bob))).device_lists).toEqual({ changed: [], left: [alice.userId] });
    expect((await sync(carol, since.get(carol))).device_lists).toEqual({ changed: [alice.userId], left: [] });
  });

  test('an invited user is not told who leaves', async () => {
    const { alice, bob, carol, roomId, lists } = await open();
    await alice.invite(roomId, carol.userId);
    await lists(carol);
    await bob.leave(roomId);
    expect(await lists(carol)).toEqual(NOTHING);
  });

  test('a signature on the key of another user is announced to the signer', async () => {
    const { alice, bob, carol, roomId, lists } = await open();
    await carol.join(roomId);
    const [alices, bobs] = [new CrossSigningMaker(alice.userId), new CrossSigningMaker(bob.userId)];
    await alice.post('/keys/device_signing/upload', alices.upload());
    await bob.post('/keys/device_signing/upload', bobs.upload());
    for (const user of [alice, bob, carol]) await lists(user);
    const signed = alices.userSigning.sign(bobs.masterKey());
    const body = { [bob.userId]: { [bobs.master.publicKey]: signed } };
    expect(await alice.post('/keys/signatures/upload', body)).toEqual({ failures: {} });
    expect(await lists(bob)).toEqual(NOTHING);
    expect(await lists(carol)).toEqual(NOTHING);
    await server.restart();
    expect(await lists(alice)).toEqual({ changed: [bob.userId], left: [] });
  });

  test('a waiting sync is woken by a message and by changed keys, and by nothing else of the kind', async () => {
    const { alice, bob, carol, since } = await open();
    const other = await logInAgain(alice);
    const othersSince = (await sync(other)).next_batch;
    const waiting = sync(alice, since.get(alice), 10_000);
    const othersWaiting = sync(other, othersSince, 400);
    await upload(carol);
    await send(bob, alice, 1);
    const reply = await waiting;
    expect(numbers(reply)).toEqual([1]);
    expect((await othersWaiting).to_device).toBeUndefined();
    const again = sync(alice, reply.next_batch, 10_000);
    await upload(bob);
    expect((await again).device_lists).toEqual({ changed: [bob.userId], left: [] });
  });

  test('messages come a hundred at a time, each once', async () => {
    const { alice, bob, since } = await open();
    for (let n = 0; n < 150; n += 1) await send(bob, alice, n);
    const first = await sync(alice, since.get(alice), 10_000);
    const second = await sync(alice, first.next_batch, 10_000);
    expect([...numbers(first), ...numbers(second)]).toEqual(Array.from({ length: 150 }, (_, n) => n));
    expect(numbers(first).length).toBe(100);
    expect((await sync(alice, second.next_batch)).to_device).toBeUndefined();
    await server.restart();
    expect((await sync(alice, second.next_batch)).to_device).toBeUndefined();
    expect((await sync(alice)).to_device).toBeUndefined();
    // The token of a part of the messages is a token like any other.
    expect((await alice.request('GET', '/events', { query: { from: first.next_batch, timeout: 0 } })).status).toBe(200);
  });

  test('every answer says what keys the device has', async () => {
    const { alice, bob, since } = await open();
    const maker = new DeviceMaker(alice.userId, alice.deviceId);
    const before = await sync(alice, since.get(alice));
    expect(before.device_one_time_keys_count).toEqual({ signed_curve25519: 0 });
    await alice.post('/keys/upload', { one_time_keys: maker.oneTime('A', 'B'), fallback_keys: maker.fallback('F') });
    const wanted = { one_time_keys: { [alice.userId]: { [alice.deviceId]: 'signed_curve25519' } } };
    expect(await bob.post('/keys/claim', wanted)).toMatchObject({
      one_time_keys: { [alice.userId]: { [alice.deviceId]: { 'signed_curve25519:A': {} } } },
      failures: {},
    });
    for (const reply of [await sync(alice), await sync(alice, before.next_batch)]) {
      expect(reply.device_one_time_keys_count).toEqual({ signed_curve25519: 1 });
      expect(reply.device_unused_fallback_key_types).toEqual(['signed_curve25519']);
    }
  });

  test('sliding sync has the same: messages with a token of their own, device lists, counts', async () => {
    const { alice, bob } = await open();
    const extensions = (since?: string) => ({
      to_device: { enabled: true, since: since ?? null },
      e2ee: { enabled: true },
    });
    const slide = async (pos?: string, since?: string, timeout = 0) => {
      const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync';
      const { json } = await alice.request('POST', path, {
        query: { pos, timeout },
        body: { extensions: extensions(since) },
      });
      return json as unknown as { pos: string; extensions: { to_device: ToDevice; e2ee: Partial<DeviceSync> } };
    };
    const first = await slide();
    expect(first.extensions.e2ee).toEqual({
      device_one_time_keys_count: { signed_curve25519: 0 },
      device_unused_fallback_key_types: [],
    });
    const waiting = slide(first.pos, first.extensions.to_device.next_batch, 10_000);
    await upload(bob);
    const second = await waiting;
    expect(second.extensions.e2ee.device_lists).toEqual({ changed: [bob.userId], left: [] });
    const again = slide(second.pos, second.extensions.to_device.next_batch, 10_000);
    for (let n = 0; n < 101; n += 1) await send(bob, alice, n);
    const third = await again;
    const numbersOf = ({ extensions: { to_device } }: typeof third) => to_device.events.map(({ content }) => content.n);
    const got = numbersOf(third);
    let last = third;
    while (numbersOf(last).length > 0) {
      // The same again for who has not acknowledged it.
      expect(numbersOf(await slide(last.pos, last.extensions.to_device.next_batch))).toEqual(
        numbersOf(await slide(last.pos, last.extensions.to_device.next_batch)),
      );
      last = await slide(last.pos, last.extensions.to_device.next_batch);
      got.push(...numbersOf(last));
    }
    expect(got).toEqual(Array.from({ length: 101 }, (_, n) => n));
  });

  test('another set of cross-signing keys needs the password', async () => {
    const { alice } = await open();
    const path = '/keys/device_signing/upload';
    const first = new CrossSigningMaker(alice.userId).upload();
    expect((await alice.request('POST', path, { body: first })).status).toBe(200);
    expect((await alice.request('POST', path, { body: first })).status).toBe(200);
    const other = new CrossSigningMaker(alice.userId).upload();
    const { status, json } = await alice.request('POST', path, { body: other });
    expect(status).toBe(401);
    const password = alice.userId.slice(1, alice.userId.indexOf(':'));
    const identifier = { type: 'm.id.user', user: alice.userId };
    const auth = { type: 'm.login.password', session: json.session ?? '', identifier, password };
    expect((await alice.request('POST', path, { body: { ...other, auth } })).status).toBe(200);
  });

  test('a user-signing key changes the device lists of its owner only', async () => {
    const { alice, bob, lists } = await open();
    const path = '/keys/device_signing/upload';
    const { user_signing_key, ...others } = new CrossSigningMaker(alice.userId).upload();
    await alice.post(path, others);
    expect(await lists(bob)).toEqual({ changed: [alice.userId], left: [] });
    await lists(alice);
    const { json } = await alice.request('POST', path, { body: { user_signing_key } });
    const password = alice.userId.slice(1, alice.userId.indexOf(':'));
    const identifier = { type: 'm.id.user', user: alice.userId };
    const auth = { type: 'm.login.password', session: json.session ?? '', identifier, password };
    await alice.post(path, { user_signing_key, auth });
    expect(await lists(bob)).toEqual(NOTHING);
    expect(await lists(alice)).toEqual({ changed: [alice.userId], left: [] });
  });

  test('a dehydrated device gets keys and messages until it is gone', async () => {
    const { alice, bob, lists } = await open();
    const path = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';
    const put = (id: string, keys = new DeviceMaker(alice.userId, id)) =>
      request(alice, 'PUT', path, {
        body: {
          device_id: id,
          device_data: { algorithm: 'x', account: id },
          device_keys: keys.keys({ dehydrated: true }),
          one_time_keys: keys.oneTime('A'),
          fallback_keys: keys.fallback('F'),
        },
      });
    expect((await request(alice, 'GET', path)).json.errcode).toBe('M_NOT_FOUND');
    expect((await put('ONE')).json).toEqual({ device_id: 'ONE' });
    expect((await put('TWO')).json).toEqual({ device_id: 'TWO' });
    expect((await put('X', new DeviceMaker(alice.userId, 'Y'))).json.errcode).toBe('M_INVALID_PARAM');
    // A refused request removes nothing.
    expect((await put(alice.deviceId)).json.errcode).toBe('M_INVALID_PARAM');
    expect((await request(alice, 'GET', path)).json).toEqual({
      device_id: 'TWO',
      device_data: { algorithm: 'x', account: 'TWO' },
    });
    expect(await lists(bob)).toEqual({ changed: [alice.userId], left: [] });
    const shown = await bob.post<{ device_keys: Record<string, object> }>('/keys/query', {
      device_keys: { [alice.userId]: [] },
    });
    expect(Object.keys(shown.device_keys[alice.userId] ?? {})).toEqual(['TWO']);
    const body = { messages: { [alice.userId]: { '*': { n: 1 } } } };
    await bob.put(pathOf('sendToDevice', 'm.test', 'dehydrated'), body);
    const events = await request(alice, 'POST', `${path}/TWO/events`, { body: {} });
    expect(events.json).toMatchObject({ events: [{ content: { n: 1 } }] });
    const more = await request(alice, 'POST', `${path}/TWO/events`, {
      body: { next_batch: events.json.next_batch ?? '' },
    });
    expect(more.json.events).toEqual([]);
    expect((await request(alice, 'POST', `${path}/ONE/events`, { body: {} })).json.errcode).toBe('M_NOT_FOUND');
    expect((await request(alice, 'DELETE', path)).json).toEqual({ device_id: 'TWO' });
    expect((await request(alice, 'DELETE', path)).json.errcode).toBe('M_NOT_FOUND');
    expect(await lists(bob)).toEqual({ changed: [alice.userId], left: [] });
  });
});
