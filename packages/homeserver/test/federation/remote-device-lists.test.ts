import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyLookup, renderQueryAnswer } from '../../src/encryption/key-lookup.ts';
import { EarlyListUpdates } from '../../src/encryption/remote/early-list-updates.ts';
import { FollowedKeys } from '../../src/encryption/remote/followed-keys.ts';
import { ListFetcher } from '../../src/encryption/remote/list-fetcher.ts';
import { ListMemberships } from '../../src/encryption/remote/list-memberships.ts';
import {
  crossSigningEffect,
  deviceUpdateEffect,
  ReceivedListUpdates,
} from '../../src/encryption/remote/received-list-updates.ts';
import { RemoteDeviceLists } from '../../src/encryption/remote/remote-device-lists.ts';
import { RemoteKeys } from '../../src/encryption/remote/remote-keys.ts';
import { UnknownDevices } from '../../src/encryption/remote/unknown-devices.ts';
import { Destinations } from '../../src/federation/client/destinations.ts';
import type { FederationRequest } from '../../src/federation/client/federation-client.ts';
import { FederationError } from '../../src/federation/client/federation-error.ts';
import { Serial } from '../../src/platform/concurrency/serial.ts';
import { silentLog } from '../../src/platform/monitoring/log.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { QueryAnswer } from '../encryption/people.ts';
import { engines } from '../storage/engines.ts';
import { CrossSigningMaker, DeviceMaker } from '../support/key-maker.ts';
import type { Person } from '../support/world.ts';
import { openSharedWorld, type SharedWorld } from './support/shared-world.ts';

const ELSEWHERE = 'elsewhere.test';

/** The keys of a user of the other server. */
interface Remote {
  streamId: number;
  readonly devices: Map<string, JsonObject>;
  crossSigning: JsonObject;
}

describe.each(engines)('device lists of users of other servers, on $name', (engine) => {
  let world: SharedWorld;
  let updates: ReceivedListUpdates;
  let signing: ReceivedListUpdates;
  let unknownDevices: UnknownDevices;
  let memberships: ListMemberships;
  let lists: RemoteDeviceLists;
  let lookup: KeyLookup;
  let destinations: Destinations;
  const remotes = new Map<string, Remote>();
  /** The paths of the requests to the other server. */
  const requests: string[] = [];
  let isDown = false;
  /** Whether device lists are longer than this server accepts. */
  let areTooLong = false;
  /** A promise for which the answers wait. */
  let held: Promise<void> | undefined;

  const answer = async (_server: string, { method, path, content }: FederationRequest): Promise<JsonObject> => {
    requests.push(`${method} ${decodeURIComponent(path.split('/v1/')[1] ?? '')}`);
    if (isDown) {
      destinations.failed(ELSEWHERE, world.clock.elapsed(), 'down');
      throw new FederationError('no-answer', 'down');
    }
    if (areTooLong && method === 'GET') throw new FederationError('over-limit', 'too long');
    const userId = decodeURIComponent(path.split('/').at(-1) ?? '');
    const remote = remotes.get(userId);
    const reply = method === 'GET' ? remote && listAnswer(userId, remote) : queryAnswer(content ?? {});
    await held;
    if (reply === undefined) throw new FederationError('refused', '404', { status: 404, errcode: 'M_NOT_FOUND' });
    return reply;
  };
  const listAnswer = (userId: string, { streamId, devices, crossSigning }: Remote): JsonObject => ({
    user_id: userId,
    stream_id: streamId,
    devices: Array.from(devices, ([device_id, keys]) => ({ device_id, keys, device_display_name: `${device_id}!` })),
    ...crossSigning,
  });
  const queryAnswer = ({ device_keys: wanted }: JsonObject): JsonObject => ({
    device_keys: Object.fromEntries(
      Object.keys(wanted as JsonObject).map((userId) => [
        userId,
        Object.fromEntries(remotes.get(userId)?.devices ?? []),
      ]),
    ),
  });

  beforeAll(async () => {
    world = await openSharedWorld(engine);
    const { clock, random, background, keyDirectory } = world;
    destinations = new Destinations(clock, random, { minMs: 1_000, maxMs: 60_000 }, silentLog);
    keyDirectory.includeRemote();
    const serial = new Serial<number>();
    lists = new RemoteDeviceLists({ ...world, serial });
    const client = { request: answer };
    const fetcher = new ListFetcher({ ...world, client, destinations, lists, serial }, background);
    memberships = new ListMemberships({ ...world, lists, serverName: 'test.local' }, background);
    const early = new EarlyListUpdates(world, background);
    updates = new ReceivedListUpdates({ ...world, lists, early }, deviceUpdateEffect);
    signing = new ReceivedListUpdates({ ...world, lists, early }, crossSigningEffect);
    unknownDevices = new UnknownDevices({ ...world, lists });
    const { keyQueries, keyClaims } = world;
    const followed = new FollowedKeys({ ...world, lists, fetcher });
    world.signatures.followWith(followed);
    lookup = new KeyLookup(keyQueries, keyClaims, new RemoteKeys(client, clock), 'test.local', followed);
  });
  afterAll(async () => {
    expect(world.faults).toEqual([]);
    await world.end();
  });

  let count = 0;
  const open = async (): Promise<{ alice: Person; bob: Person; head: Head; remote: Remote; phone: DeviceMaker }> => {
    count += 1;
    const alice = await world.person();
    const bob = await world.stranger(`@bob${count}:${ELSEWHERE}`);
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    const phone = new DeviceMaker(bob.userId, 'PHONE');
    const remote = { streamId: 5, devices: new Map([['PHONE', phone.keys()]]), crossSigning: {} };
    remotes.set(bob.userId, remote);
    requests.splice(0);
    return { alice, bob, head, remote, phone };
  };
  const ask = async (by: Person, ...userIds: string[]): Promise<QueryAnswer> => {
    const result = await lookup.query(by, new Map(userIds.map((id) => [id, []])));
    return JSON.parse(renderQueryAnswer(result)) as QueryAnswer;
  };
  const devicesOf = async (by: Person, { userId }: Person) =>
    Object.keys((await ask(by, userId)).device_keys[userId] ?? {});
  /** Adds a device on the other server. Returns the EDU that says so. */
  const added = ({ userId }: Person, remote: Remote, deviceId: string): JsonObject => {
    const keys = new DeviceMaker(userId, deviceId).keys();
    remote.devices.set(deviceId, keys);
    remote.streamId += 1;
    const prev = [remote.streamId - 1];
    return { user_id: userId, device_id: deviceId, stream_id: remote.streamId, prev_id: prev, keys };
  };
  const settled = (user: Person) => expect.poll(async () => (await lists.one(user.user))?.stale_ts).toBe(null);
  /** Returns the announced changes of a user while a task runs. */
  const announced = async (user: Person, task: () => Promise<unknown>): Promise<number> => {
    let changes = 0;
    let isOver = false;
    world.stream.listen((some) => {
      for (const change of some)
        if (!isOver && change.kind === 'device-list' && change.user === user.user) changes += 1;
    });
    await task();
    isOver = true;
    return changes;
  };

  test('are fetched once, with the names of devices, and then answered from the store', async () => {
    const { alice, bob, phone } = await open();
    const first = await ask(alice, bob.userId);
    const shown = { ...phone.keys(), unsigned: { device_display_name: 'PHONE!' } };
    expect(first.device_keys[bob.userId]).toEqual({ PHONE: shown });
    expect(await ask(alice, bob.userId)).toEqual(first);
    expect(requests).toEqual([`GET user/devices/${bob.userId}`]);
    const parallel = await open();
    await Promise.all([1, 2, 3].map(() => ask(parallel.alice, parallel.bob.userId)));
    expect(requests).toHaveLength(1);
  });

  test('are fetched in the background if a query names many users', async () => {
    const { alice, head } = await open();
    const users: Person[] = [];
    for (let i = 0; i < 13; i += 1) {
      const user = await world.stranger(`@many${count}-${i}:${ELSEWHERE}`);
      await world.joining.join(head, user);
      remotes.set(user.userId, {
        streamId: 1,
        devices: new Map([['PHONE', new DeviceMaker(user.userId, 'PHONE').keys()]]),
        crossSigning: {},
      });
      users.push(user);
    }
    const ids = users.map(({ userId }) => userId);
    const answered = async () => Object.keys((await ask(alice, ...ids)).device_keys).toSorted();
    expect(await answered()).toEqual(ids.toSorted());
    expect(requests.filter((path) => path.startsWith('POST')).length).toBeLessThanOrEqual(1);
    for (const user of users) await settled(user);
    requests.splice(0);
    expect(await answered()).toEqual(ids.toSorted());
    expect(requests).toEqual([]);
  });

  test('are not stored for users without a common room', async () => {
    const { alice, bob, head } = await open();
    await world.joining.leave(head, bob);
    for (let i = 0; i < 2; i += 1) expect(await devicesOf(alice, bob)).toEqual(['PHONE']);
    expect(requests).toEqual(['POST user/keys/query', 'POST user/keys/query']);
  });

  test('follow updates in sequence without a request', async () => {
    const { alice, bob, remote } = await open();
    await ask(alice, bob.userId);
    const edu = added(bob, remote, 'LAPTOP');
    expect(await announced(bob, () => updates.handle(ELSEWHERE, edu))).toBe(1);
    expect(await devicesOf(alice, bob)).toEqual(['LAPTOP', 'PHONE']);
    expect(await announced(bob, () => updates.handle(ELSEWHERE, edu))).toBe(0);
    const gone = { user_id: bob.userId, device_id: 'PHONE', stream_id: 7, prev_id: [6], deleted: true };
    await updates.handle(ELSEWHERE, gone);
    expect(await devicesOf(alice, bob)).toEqual(['LAPTOP']);
    expect(requests).toHaveLength(1);
  });

  test('are fetched again after a gap and after a malformed update', async () => {
    const { alice, bob, remote } = await open();
    await ask(alice, bob.userId);
    added(bob, remote, 'LOST');
    const next = added(bob, remote, 'NEXT');
    expect(await announced(bob, () => updates.handle(ELSEWHERE, next))).toBeGreaterThan(0);
    await settled(bob);
    expect(await devicesOf(alice, bob)).toEqual(['LOST', 'NEXT', 'PHONE']);
    const odd = { ...added(bob, remote, 'ODD'), keys: { user_id: 'x' } };
    await updates.handle(ELSEWHERE, odd);
    await settled(bob);
    expect(await devicesOf(alice, bob)).toEqual(['LOST', 'NEXT', 'ODD', 'PHONE']);
    expect(requests).toEqual([1, 2, 3].map(() => `GET user/devices/${bob.userId}`));
  });

  test('are fetched again if an update arrives during the fetch', async () => {
    const { alice, bob, remote } = await open();
    const { promise, resolve } = Promise.withResolvers<void>();
    held = promise;
    const asked = ask(alice, bob.userId);
    await expect.poll(() => requests.length).toBe(1);
    await updates.handle(ELSEWHERE, added(bob, remote, 'NEW'));
    held = undefined;
    resolve();
    await asked;
    await settled(bob);
    expect(await devicesOf(alice, bob)).toEqual(['NEW', 'PHONE']);
  });

  test('are not used while they are stale, and are fetched when the server answers again', async () => {
    const { alice, bob, remote } = await open();
    await ask(alice, bob.userId);
    isDown = true;
    added(bob, remote, 'LOST');
    await updates.handle(ELSEWHERE, added(bob, remote, 'NEXT'));
    await expect.poll(() => requests.length).toBe(2);
    const { failures, device_keys: keys } = await ask(alice, bob.userId);
    expect([Object.keys(failures), keys]).toEqual([[ELSEWHERE], {}]);
    isDown = false;
    destinations.alive(ELSEWHERE);
    await settled(bob);
    expect(await devicesOf(alice, bob)).toEqual(['LOST', 'NEXT', 'PHONE']);
  });

  test('have the cross-signing keys of their users', async () => {
    const { alice, bob, remote } = await open();
    const [maker, other] = [new CrossSigningMaker(bob.userId), new CrossSigningMaker(bob.userId)];
    const { master_key, self_signing_key } = maker.upload();
    remote.crossSigning = { master_key, self_signing_key };
    const first = await ask(alice, bob.userId);
    expect(first.master_keys[bob.userId]).toEqual(master_key);
    expect(first.self_signing_keys[bob.userId]).toEqual(self_signing_key);
    const { master_key: newMaster, self_signing_key: newSelf } = other.upload();
    const edu = { user_id: bob.userId, master_key: newMaster, self_signing_key: newSelf };
    await signing.handle(ELSEWHERE, edu);
    const second = await ask(alice, bob.userId);
    expect([second.master_keys[bob.userId], second.self_signing_keys[bob.userId]]).toEqual([newMaster, newSelf]);
    expect(requests).toHaveLength(1);
    // The master key has not signed this self-signing key.
    await signing.handle(ELSEWHERE, { ...edu, self_signing_key });
    await settled(bob);
    expect((await ask(alice, bob.userId)).self_signing_keys[bob.userId]).toEqual(self_signing_key);
    expect(requests).toHaveLength(2);
  });

  test('let users sign the master keys in them', async () => {
    const { alice, bob, remote } = await open();
    const theirs = new CrossSigningMaker(bob.userId);
    remote.crossSigning = { master_key: theirs.masterKey() };
    const own = new CrossSigningMaker(alice.userId);
    const { master_key: master, self_signing_key: self_signing, user_signing_key: user_signing } = own.upload();
    await world.crossSigning.upload(alice, { master, self_signing, user_signing }, true);
    const signed = own.userSigning.sign(theirs.masterKey());
    const upload = new Map([[bob.userId, new Map([[theirs.master.publicKey, signed]])]]);
    expect(await world.signatures.upload(alice, upload)).toEqual({});
    const again = (await ask(alice, bob.userId)).master_keys[bob.userId];
    expect(Object.keys(again?.signatures ?? {})).toContain(alice.userId);
  });

  test('are deleted when the last common room is left, and fetched when a user comes back', async () => {
    const { alice, bob, head, remote } = await open();
    await ask(alice, bob.userId);
    await world.joining.leave(head, bob);
    await expect.poll(() => lists.one(bob.user)).toBe(undefined);
    remote.devices.delete('PHONE');
    await world.joining.join(head, bob);
    expect(await devicesOf(alice, bob)).toEqual([]);
    await world.joining.leave(head, alice);
    await expect.poll(() => lists.one(bob.user)).toBe(undefined);
    await lists.makeStale([bob.user]);
    await settled(bob);
    await memberships.expire();
    expect(await lists.one(bob.user)).toBe(undefined);
  });

  test.each(['requesting_device_id', 'sender_key'])('are fetched when %s of a message is unknown', async (member) => {
    const { alice, bob, remote, phone } = await open();
    await ask(alice, bob.userId);
    const message = (content: JsonObject) => ({ [alice.userId]: { '*': content } });
    const identityKey = (phone.keys().keys as JsonObject)['curve25519:PHONE'] ?? '';
    await unknownDevices.check(bob.userId, message({ requesting_device_id: 'PHONE' }));
    await unknownDevices.check(bob.userId, message({ sender_key: identityKey }));
    await unknownDevices.check(bob.userId, message({ text: 'no device' }));
    expect((await lists.one(bob.user))?.stale_ts).toBe(null);
    const before = requests.length;
    added(bob, remote, 'LOST');
    for (let i = 0; i < 5; i += 1) await unknownDevices.check(bob.userId, message({ [member]: 'LOST' }));
    await settled(bob);
    expect(await devicesOf(alice, bob)).toEqual(['LOST', 'PHONE']);
    for (let i = 0; i < 5; i += 1) await unknownDevices.check(bob.userId, message({ from_device: 'FORGED' }));
    await settled(bob);
    expect(requests.length - before).toBe(1);
  });

  test('are not stored if they are too long, or if the user does not exist', async () => {
    const { alice, bob } = await open();
    areTooLong = true;
    expect(await devicesOf(alice, bob)).toEqual(['PHONE']);
    await expect.poll(() => lists.one(bob.user)).toBe(undefined);
    areTooLong = false;
    remotes.delete(bob.userId);
    expect(await devicesOf(alice, bob)).toEqual([]);
    expect(requests.at(-1)).toBe(`GET user/devices/${bob.userId}`);
  });

  test('are not changed by other servers, nor for users without a common room', async () => {
    const { alice, bob, head, remote } = await open();
    await ask(alice, bob.userId);
    const edu = added(bob, remote, 'FORGED');
    remote.devices.delete('FORGED');
    expect(await announced(bob, () => updates.handle('third.test', edu))).toBe(0);
    expect(await announced(alice, () => updates.handle(ELSEWHERE, { ...edu, user_id: alice.userId }))).toBe(0);
    for (const odd of [{}, { user_id: 1 }, { user_id: `@nobody:${ELSEWHERE}` }, { user_id: ELSEWHERE }])
      await updates.handle(ELSEWHERE, odd);
    expect(await devicesOf(alice, bob)).toEqual(['PHONE']);
    await world.joining.leave(head, bob);
    expect(await announced(bob, () => updates.handle(ELSEWHERE, edu))).toBe(0);
  });
});
