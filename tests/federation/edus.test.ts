import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CrossSigningMaker, DeviceMaker } from '../../packages/homeserver/test/support/key-maker.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { pathOf } from '../support/client.ts';
import { type FederatingServer, startFederatingServer } from '../support/federating-server.ts';
import { type JoinedRoom, logInAgain, type SyncReply, type TestUser } from '../support/user.ts';

interface KeyedReply extends Omit<SyncReply, 'rooms'> {
  readonly rooms?: { readonly join?: Record<string, Partial<JoinedRoom>> };
  readonly device_lists?: { readonly changed?: string[]; readonly left?: string[] };
}

interface QueryReply {
  readonly device_keys: Record<string, Record<string, { unsigned?: JsonObject }>>;
  readonly master_keys: Record<string, JsonObject & { signatures?: Record<string, JsonObject> }>;
  readonly failures: JsonObject;
}

const POLL = { timeout: 15_000, interval: 50 };

/** A client that keeps the latest values of its syncs. */
class Watcher {
  readonly user: TestUser;
  readonly typing = new Map<string, string[]>();
  readonly receipts = new Map<string, JsonObject>();
  readonly presence = new Map<string, JsonObject>();
  readonly changed = new Set<string>();
  readonly left = new Set<string>();
  #since: string | undefined;

  constructor(user: TestUser) {
    this.user = user;
  }

  /** Syncs once, and notes what is new. */
  async next(): Promise<this> {
    const since = this.#since;
    const query = { since, timeout: since === undefined ? 0 : 100 };
    const reply = await this.user.get<KeyedReply>('/sync', query);
    this.#since = reply.next_batch;
    for (const [room, joined] of Object.entries(reply.rooms?.join ?? {})) {
      for (const { type, content } of joined.ephemeral?.events ?? []) {
        if (type === 'm.typing') this.typing.set(room, content.user_ids as string[]);
        else this.receipts.set(room, { ...this.receipts.get(room), ...content });
      }
    }
    for (const { sender, content } of reply.presence?.events ?? []) this.presence.set(sender, content);
    for (const userId of reply.device_lists?.changed ?? []) this.changed.add(userId);
    for (const userId of reply.device_lists?.left ?? []) this.left.add(userId);
    return this;
  }

  /** Returns an assertion about a value, which is repeated until it is true. */
  soon<T>(value: (watcher: this) => T) {
    return expect.poll(async () => value(await this.next()), POLL);
  }
}

describe('users of two servers in one room', () => {
  let one: FederatingServer;
  let two: FederatingServer;
  let alice: TestUser;
  let bob: TestUser;
  let room: string;
  beforeAll(async () => {
    [one, two] = [await startFederatingServer('127.0.0.2'), await startFederatingServer('127.0.0.3')];
    [alice, bob] = [await one.user('alice'), await two.user('bob')];
    room = await alice.createRoom();
    await bob.post(pathOf('join', room), {}, { via: one.name });
  });
  afterEach(() => expect([...one.faults, ...two.faults]).toEqual([]));
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
  });

  const type = (user: TestUser, typing: boolean) =>
    user.put(pathOf('rooms', room, 'typing', user.userId), { typing, timeout: 60_000 });
  const uploadKeys = async (user: TestUser) => {
    const maker = new DeviceMaker(user.userId, user.deviceId);
    await user.post('/keys/upload', { device_keys: maker.keys() });
    return maker;
  };
  const query = (user: TestUser, userId: string) =>
    user.post<QueryReply>('/keys/query', { device_keys: { [userId]: [] } });
  const devicesOf = async (user: TestUser, userId: string) => {
    const { device_keys, failures } = await query(user, userId);
    return [Object.keys(device_keys[userId] ?? {}), Object.keys(failures)];
  };

  test('see each other type', async () => {
    const [ofAlice, ofBob] = [new Watcher(alice), new Watcher(bob)];
    await type(alice, true);
    await ofBob.soon(({ typing }) => typing.get(room)).toEqual([alice.userId]);
    await type(bob, true);
    await ofAlice.soon(({ typing }) => typing.get(room)?.toSorted()).toEqual([alice.userId, bob.userId].toSorted());
    await type(alice, false);
    await type(bob, false);
    await ofBob.soon(({ typing }) => typing.get(room)).toEqual([]);
    await ofAlice.soon(({ typing }) => typing.get(room)).toEqual([]);
  });

  test('see the public receipts of each other, with their threads', async () => {
    const watcher = new Watcher(alice);
    await watcher.next();
    const read = async (receipt: string, eventId: string, body: JsonObject = {}) => {
      const path = pathOf('rooms', room, 'receipt', receipt, eventId);
      await expect.poll(async () => (await bob.request('POST', path, { body })).status, POLL).toBe(200);
    };
    const first = await alice.send(room, 'first');
    const second = await alice.send(room, 'second');
    const third = await alice.send(room, 'third');
    await read('m.read.private', third);
    await read('m.read', first);
    await read('m.read', second, { thread_id: 'main' });
    const own = (eventId: string) =>
      (watcher.receipts.get(room)?.[eventId] as Record<string, JsonObject> | undefined)?.['m.read']?.[bob.userId];
    await watcher.soon(() => own(second)).toEqual({ ts: expect.any(Number), thread_id: 'main' });
    expect(own(first)).toEqual({ ts: expect.any(Number) });
    expect(watcher.receipts.get(room)?.[third]).toBeUndefined();
  });

  test('see the presence of each other', async () => {
    const watcher = new Watcher(alice);
    await watcher.next();
    const set = (presence: string, status_msg: string) =>
      bob.put(pathOf('presence', bob.userId, 'status'), { presence, status_msg });
    await set('online', 'here');
    const presence = () => watcher.presence.get(bob.userId);
    await watcher.soon(presence).toMatchObject({ presence: 'online', status_msg: 'here', currently_active: true });
    await set('unavailable', 'away');
    await watcher.soon(presence).toMatchObject({ presence: 'unavailable', status_msg: 'away' });
    expect(await alice.get(pathOf('presence', bob.userId, 'status'))).toMatchObject({ status_msg: 'away' });
  });

  test('learn of the devices of each other, also of those that were added during an outage', async () => {
    const watcher = new Watcher(bob);
    await watcher.next();
    await uploadKeys(alice);
    await watcher.soon(({ changed }) => [...changed]).toContain(alice.userId);
    expect(await devicesOf(bob, alice.userId)).toEqual([[alice.deviceId], []]);
    // The list is stored, so that it can be read while the other server does not answer.
    await one.stop();
    expect(await devicesOf(bob, alice.userId)).toEqual([[alice.deviceId], []]);
    await two.stop();
    await one.restart();
    const phone = await logInAgain(alice);
    await uploadKeys(phone);
    await two.restart();
    watcher.changed.clear();
    await watcher.soon(({ changed }) => [...changed]).toContain(alice.userId);
    const both = [alice.deviceId, phone.deviceId].toSorted();
    await expect.poll(async () => (await devicesOf(bob, alice.userId))[0]?.toSorted(), POLL).toEqual(both);
    await phone.post('/logout');
    await expect.poll(() => devicesOf(bob, alice.userId), POLL).toEqual([[alice.deviceId], []]);
  });

  test('can sign the master keys of each other', async () => {
    const keys = new CrossSigningMaker(alice.userId);
    await alice.post('/keys/device_signing/upload', keys.upload());
    const own = new CrossSigningMaker(bob.userId);
    await bob.post('/keys/device_signing/upload', own.upload());
    const { publicKey } = keys.master;
    const masterKey = async () => (await query(bob, alice.userId)).master_keys[alice.userId];
    await expect.poll(async () => (await masterKey())?.keys, POLL).toEqual({ [`ed25519:${publicKey}`]: publicKey });
    const signed = own.userSigning.sign((await masterKey()) ?? {});
    const upload = { [alice.userId]: { [publicKey]: signed } };
    expect(await bob.post('/keys/signatures/upload', upload)).toEqual({ failures: {} });
    expect(Object.keys((await masterKey())?.signatures ?? {})).toContain(bob.userId);
  });

  test('no longer follow the devices of each other without a common room', async () => {
    const [carol, dan] = [await one.user('carol'), await two.user('dan')];
    const other = await carol.createRoom();
    await dan.post(pathOf('join', other), {}, { via: one.name });
    await uploadKeys(carol);
    const watcher = new Watcher(dan);
    await watcher.next();
    await expect.poll(() => devicesOf(dan, carol.userId), POLL).toEqual([[carol.deviceId], []]);
    const stored = () => two.look('SELECT user_num FROM remote_device_lists');
    const before = (await stored()).length;
    await carol.leave(other);
    await watcher.soon(({ left }) => [...left]).toEqual([carol.userId]);
    await expect.poll(async () => (await stored()).length, POLL).toBe(before - 1);
    watcher.changed.clear();
    const phone = await logInAgain(carol);
    await uploadKeys(phone);
    await carol.join(other);
    await watcher.soon(({ changed }) => [...changed]).toEqual([carol.userId]);
    await expect
      .poll(async () => (await devicesOf(dan, carol.userId))[0]?.toSorted(), POLL)
      .toEqual([carol.deviceId, phone.deviceId].toSorted());
  });
});
