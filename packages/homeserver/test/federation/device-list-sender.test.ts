import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KeyUpload } from '../../src/encryption/key-upload.ts';
import { DeviceListSender } from '../../src/encryption/remote/device-list-sender.ts';
import { JoinedLists } from '../../src/encryption/remote/joined-lists.ts';
import { sql } from '../../src/storage/engine/database.ts';
import { logIn } from '../encryption/people.ts';
import { engines } from '../storage/engines.ts';
import { CrossSigningMaker } from '../support/key-maker.ts';
import { openSharedWorld, type SharedWorld } from './support/shared-world.ts';

const ELSEWHERE = 'elsewhere.test';
const ALL = sql('SELECT num, server, json FROM outgoing_edus ORDER BY num');

interface Update {
  readonly server: string;
  readonly type: string;
  readonly content: JsonObject;
}

describe.each(engines)('changes of device lists for other servers, on $name', (engine) => {
  let world: SharedWorld;
  const woken: string[][] = [];
  const openSender = () =>
    new DeviceListSender(
      {
        ...world,
        edus: { wakeForStored: (servers) => woken.push([...servers]) },
        showsDeviceNames: true,
      },
      world.background,
    );
  beforeAll(async () => {
    world = await openSharedWorld(engine);
    world.deviceListChanges.sendToServers();
    openSender();
    new JoinedLists({ ...world, serverName: 'test.local' }, world.background);
  });
  afterAll(async () => {
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(world.faults).toEqual([]);
    await world.end();
  });

  let count = 0;
  /** Returns a user with a device in a room with another server, after the device list was sent. */
  const open = async () => {
    count += 1;
    const alice = await world.person();
    const phone = await logIn(world, alice, 'PHONE');
    const head = await world.room(alice);
    await world.joining.join(head, await world.stranger(`@bob${count}:${ELSEWHERE}`));
    await sent();
    seen = (await rows()).length;
    return { alice, phone, head };
  };
  const rows = () => world.database.all<{ server: string; json: string }>(ALL);
  let seen = 0;
  /** Returns the EDUs that were queued since the last call, when nothing waits any more. */
  const sent = async (): Promise<Update[]> => {
    const waiting = sql('SELECT num FROM device_list_outbox');
    await expect.poll(() => world.database.all(waiting)).toEqual([]);
    const all = await rows();
    const fresh = all.slice(seen);
    seen = all.length;
    return fresh.map(({ server, json }) => {
      const { edu_type: type, content } = JSON.parse(json) as { edu_type: string; content: JsonObject };
      return { server, type, content };
    });
  };
  const streamIdOf = async (userId: string) => (await world.deviceListReader.of(userId)).streamId;

  test('are queued in order, each with the one before, and the last one is that of the device list', async () => {
    const { alice, phone } = await open();
    const keys = phone.maker.keys();
    await world.keyUpload.upload(phone, { deviceKeys: keys });
    const [first] = await sent();
    const streamId = await streamIdOf(alice.userId);
    const common = { user_id: alice.userId, device_id: 'PHONE' };
    expect(first).toEqual({
      server: ELSEWHERE,
      type: 'm.device_list_update',
      content: { ...common, stream_id: streamId, prev_id: [], keys, device_display_name: "PHONE's name" },
    });
    await world.users.devices.rename(alice.user, 'PHONE', 'renamed');
    const laptop = await logIn(world, alice, 'LAPTOP');
    await sent();
    const before = await streamIdOf(alice.userId);
    await world.users.sessions.logout(alice.user, [phone.device, laptop.device]);
    const deleted = await sent();
    expect(deleted.map(({ content }) => [content.device_id, content.deleted, content.keys])).toEqual([
      ['PHONE', true, undefined],
      ['LAPTOP', true, undefined],
    ]);
    expect(deleted[0]?.content.prev_id).toEqual([before]);
    expect(deleted[1]?.content.prev_id).toEqual([deleted[0]?.content.stream_id]);
    expect(deleted[1]?.content.stream_id).toBe(await streamIdOf(alice.userId));
  });

  test('have no gap after a change of cross-signing keys', async () => {
    const { alice, phone } = await open();
    await world.keyUpload.upload(phone, { deviceKeys: phone.maker.keys() });
    const signer = new CrossSigningMaker(alice.userId);
    const { master_key: master, self_signing_key: self_signing, user_signing_key: user_signing } = signer.upload();
    await world.crossSigning.upload(alice, { master, self_signing, user_signing }, true);
    const updates = await sent();
    expect(updates).toContainEqual({
      server: ELSEWHERE,
      type: 'm.signing_key_update',
      content: { user_id: alice.userId, master_key: master, self_signing_key: self_signing },
    });
    const last = updates.at(-1)?.content.stream_id;
    expect(last).toBe(await streamIdOf(alice.userId));
    await world.users.devices.rename(alice.user, 'PHONE', 'renamed');
    expect((await sent())[0]?.content.prev_id).toEqual([last]);
  });

  test('go to each server that shares a room once, and to none without a room', async () => {
    const { alice, phone, head } = await open();
    const other = await world.room(alice);
    await world.joining.join(other, await world.stranger(`@carol${count}:${ELSEWHERE}`));
    await world.joining.join(head, await world.stranger(`@dan${count}:third.test`));
    const alone = await logIn(world, await world.person(), 'ALONE');
    await world.keyUpload.upload(alone, { deviceKeys: alone.maker.keys() });
    await world.keyUpload.upload(phone, { deviceKeys: phone.maker.keys() });
    const updates = await sent();
    expect(updates.map(({ server }) => server).toSorted()).toEqual([ELSEWHERE, 'third.test']);
    await expect.poll(() => woken.flat()).toContain('third.test');
    expect(updates.every(({ content }) => content.user_id === alice.userId)).toBe(true);
  });

  test('become one update with a gap if they are many, so that servers fetch the list', async () => {
    const { alice } = await open();
    const devices: number[] = [];
    for (let i = 0; i < 25; i += 1) devices.push((await logIn(world, alice, `D${i}`)).device);
    const before = await streamIdOf(alice.userId);
    await world.users.sessions.logout(alice.user, devices);
    const updates = await sent();
    expect(updates).toHaveLength(1);
    expect(updates[0]?.content.prev_id).not.toEqual([before]);
    expect(updates[0]?.content.stream_id).toBe(await streamIdOf(alice.userId));
  });

  test('are sent by the next process if this one ends before', async () => {
    const { alice, phone } = await open();
    const { database, stream, keyDirectory, claimableKeys, deviceListChanges } = world;
    // The changes of this upload are announced to nobody, as if the process had ended.
    const silent = Object.assign(Object.create(stream) as typeof stream, {
      next: () => stream.next(),
      commit: (writes: Parameters<typeof stream.commit>[0]) => stream.commit(writes, []),
    });
    const upload = new KeyUpload({ database, stream: silent, keyDirectory, claimableKeys, deviceListChanges });
    await upload.upload(phone, { deviceKeys: phone.maker.keys() });
    expect((await rows()).slice(seen)).toEqual([]);
    await openSender().start();
    expect((await sent())[0]?.content).toMatchObject({ user_id: alice.userId, device_id: 'PHONE' });
  });

  test('include all devices when a user joins a room with a server that is new to the user', async () => {
    const { head } = await open();
    const carol = await world.person();
    await logIn(world, carol, 'WITHOUT-KEYS');
    const before = world.stream.current;
    await world.joining.join(head, carol);
    await expect.poll(() => rows().then((all) => all.length)).toBeGreaterThan(seen);
    expect((await sent())[0]).toMatchObject({
      server: ELSEWHERE,
      content: { user_id: carol.userId, device_id: 'WITHOUT-KEYS' },
    });
    expect(world.stream.current).toBeGreaterThan(before);
    const again = await world.room(carol);
    await world.joining.join(again, await world.stranger(`@eve${count}:${ELSEWHERE}`));
    const dan = await world.person();
    await world.joining.join(again, dan);
    expect(await sent()).toEqual([]);
  });
});
