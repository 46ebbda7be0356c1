import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ClaimableKeys } from '../../src/encryption/claimable-keys.ts';
import { KeyClaims } from '../../src/encryption/key-claim.ts';
import { KeyDirectory } from '../../src/encryption/key-directory.ts';
import { KeyQueries } from '../../src/encryption/key-query.ts';
import { sql, write } from '../../src/storage/engine/database.ts';
import { ToDeviceInbox } from '../../src/to-device/inbox.ts';
import { engines } from '../storage/engines.ts';
import { curveKey, DeviceMaker } from '../support/key-maker.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';
import { asked, type LoggedIn, logIn } from './people.ts';

describe.each(engines)('keys of devices, on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const open = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    return { alice, bob, phone: await logIn(world, alice, 'PHONE') };
  };
  const claimOnce = async (of: LoggedIn, some = world.claimableKeys): Promise<string | undefined> =>
    (await some.claim(new Map([[of.device, 'signed_curve25519']]))).get(of.device)?.key_id.split(':')[1];
  /** The same through fresh copies, as after a restart. */
  const reopened = () => {
    const { database, names, users, background } = world;
    const claimableKeys = new ClaimableKeys(database);
    return {
      claimableKeys,
      keyQueries: new KeyQueries(names, new KeyDirectory(database)),
      keyClaims: new KeyClaims(names, users.deviceNumbers, claimableKeys),
      inbox: new ToDeviceInbox(database, world.clock, background),
    };
  };

  test('are given out as uploaded, with the name of the device', async () => {
    const { alice, bob, phone } = await open();
    const keys = phone.maker.keys({ extra: 'kept' });
    await world.keyUpload.upload(phone, { deviceKeys: { ...keys, unsigned: { forged: true } } });
    const shown = { ...keys, unsigned: { device_display_name: "PHONE's name" } };
    expect((await asked(world, bob, alice.userId)).device_keys).toEqual({ [alice.userId]: { PHONE: shown } });
    await world.users.devices.rename(alice.user, 'PHONE', 'another');
    const [again] = Object.values((await asked(world, bob, alice.userId)).device_keys[alice.userId] ?? {});
    expect(again?.unsigned).toEqual({ device_display_name: 'another' });
    const others = await asked(world, bob, '@nobody:test.local', '@x:elsewhere.test');
    expect(others.device_keys).toEqual({ '@nobody:test.local': {} });
    expect(Object.keys(others.failures)).toEqual(['elsewhere.test']);
  });

  test('are refused when they are of somebody else or have not the form of keys', async () => {
    const { bob, phone } = await open();
    const refused = (deviceKeys: ReturnType<DeviceMaker['keys']>) =>
      refusal(world.keyUpload.upload(phone, { deviceKeys }));
    const keys = phone.maker.keys();
    expect(await refused(new DeviceMaker(bob.userId, 'PHONE').keys())).toBe('M_INVALID_PARAM');
    expect(await refused(new DeviceMaker(phone.userId, 'OTHER').keys())).toBe('M_INVALID_PARAM');
    expect(await refused({ ...keys, algorithms: 'all' })).toBe('M_BAD_JSON');
    expect(await refused({ ...keys, keys: {} })).toBe('M_BAD_JSON');
    expect(await refused({ ...keys, signatures: 'mine' })).toBe('M_BAD_JSON');
    expect((await asked(world, bob, phone.userId)).device_keys).toEqual({ [phone.userId]: {} });
  });

  test('announce a change once, and keep foreign signatures out', async () => {
    const { alice, bob, phone } = await open();
    const announced: number[] = [];
    world.stream.listen((changes) => {
      for (const change of changes) if (change.kind === 'device-list') announced.push(change.user);
    });
    const keys = phone.maker.keys();
    const forged = { [bob.userId]: { 'ed25519:X': 'forged' }, ...(keys.signatures as object) };
    await world.keyUpload.upload(phone, { deviceKeys: { ...keys, signatures: forged } });
    await world.keyUpload.upload(phone, { deviceKeys: keys });
    expect(announced).toEqual([alice.user]);
    expect((await asked(world, bob, alice.userId)).device_keys[alice.userId]?.PHONE?.signatures).toEqual(
      keys.signatures,
    );
    await world.keyUpload.upload(phone, { deviceKeys: phone.maker.keys({ algorithms: ['m.other'] }) });
    expect(announced).toEqual([alice.user, alice.user]);
    expect((await asked(world, bob, alice.userId)).device_keys[alice.userId]?.PHONE?.algorithms).toEqual(['m.other']);
  });

  test('are in the device list, even if an older list is cached', async () => {
    const { alice, phone } = await open();
    const list = async () => {
      const { keys } = await world.deviceListReader.of(alice.userId);
      return Array.from(keys.devices, ({ device_id, display_name }) => [device_id, display_name]);
    };
    expect(await list()).toEqual([]);
    await world.keyUpload.upload(phone, { deviceKeys: phone.maker.keys() });
    expect(await list()).toEqual([['PHONE', "PHONE's name"]]);
    await world.keyDirectory.one(alice.user);
    const renamed = sql('UPDATE devices SET display_name = ? WHERE num = ?');
    await world.database.commit([write(renamed, 'another', phone.device)]);
    expect(await list()).toEqual([['PHONE', 'another']]);
    await world.users.sessions.logout(alice.user, [phone.device]);
    expect(await list()).toEqual([]);
    expect(await refusal(world.deviceListReader.of('@nobody:test.local'))).toBe('M_NOT_FOUND');
    expect(await refusal(world.deviceListReader.of('@x:elsewhere.test'))).toBe('M_INVALID_PARAM');
  });

  test('one-time keys are given out once, in the order of upload, then the fallback key again and again', async () => {
    const { phone } = await open();
    const { maker } = phone;
    const upload = world.keyUpload;
    await upload.upload(phone, { oneTimeKeys: maker.oneTime('B') });
    const counts = await upload.upload(phone, { oneTimeKeys: maker.oneTime('A'), fallbackKeys: maker.fallback('F') });
    expect(counts).toEqual({ signed_curve25519: 2 });
    expect((await world.claimableKeys.stockOf(phone.device)).syncText).toContain(
      '"device_unused_fallback_key_types":["signed_curve25519"]',
    );
    expect(await claimOnce(phone)).toBe('B');
    expect(await claimOnce(phone, reopened().claimableKeys)).toBe('A');
    world.claimableKeys.forget([phone.device]);
    expect([await claimOnce(phone), await claimOnce(phone)]).toEqual(['F', 'F']);
    for (const some of [world, reopened()]) {
      expect((await some.claimableKeys.stockOf(phone.device)).syncText).toBe(
        ',"device_one_time_keys_count":{"signed_curve25519":0},"device_unused_fallback_key_types":[]',
      );
    }
    await upload.upload(phone, { fallbackKeys: maker.fallback('G') });
    expect([await claimOnce(phone), await claimOnce(phone)]).toEqual(['G', 'G']);
    expect((await world.claimableKeys.claim(new Map([[phone.device, 'curve25519']]))).size).toBe(0);
  });

  test('a one-time key may be uploaded again as it is, not otherwise, and is not given out again', async () => {
    const { phone } = await open();
    const keys = phone.maker.oneTime('A', 'B');
    const first = await world.keyUpload.upload(phone, { oneTimeKeys: keys });
    expect(await world.keyUpload.upload(phone, { oneTimeKeys: keys })).toEqual(first);
    expect(await refusal(world.keyUpload.upload(phone, { oneTimeKeys: phone.maker.oneTime('A') }))).toBe('M_UNKNOWN');
    const claimed = await claimOnce(phone);
    expect(await world.keyUpload.upload(phone, { oneTimeKeys: keys })).toEqual({ signed_curve25519: 1 });
    await world.keyUpload.upload(phone, { oneTimeKeys: phone.maker.oneTime('C') });
    const rest = [await claimOnce(phone), await claimOnce(phone), await claimOnce(phone)];
    expect(new Set([claimed, ...rest])).toEqual(new Set(['A', 'B', 'C', undefined]));
  });

  test('no two claims get the same key, also not from a copy that is wrong', async () => {
    const { phone } = await open();
    const ids = Array.from({ length: 60 }, (_, i) => `K${i}`);
    await world.keyUpload.upload(phone, { oneTimeKeys: phone.maker.oneTime(...ids) });
    // A second process has copies of its own.
    const other = reopened().claimableKeys;
    await other.stockOf(phone.device);
    const claims = ids.map((_, i) =>
      claimOnce(phone, i % 3 === 0 ? other : world.claimableKeys).catch(() => undefined),
    );
    const claimed = (await Promise.all(claims)).filter((id) => id !== undefined);
    expect(claimed.length).toBeGreaterThan(20);
    expect(new Set(claimed).size).toBe(claimed.length);
  });

  test('one-time keys have limits', async () => {
    const { phone } = await open();
    const refused = (oneTimeKeys: Record<string, object | string>) =>
      refusal(world.keyUpload.upload(phone, { oneTimeKeys: oneTimeKeys as Record<string, string> }));
    expect(await refused({ 'no colon': 'x' })).toBe('M_INVALID_PARAM');
    expect(await refused({ 'signed_curve25519:A': { nothing: 1 } })).toBe('M_INVALID_PARAM');
    expect(await refused({ 'signed_curve25519:A': 'x'.repeat(20_000) })).toBe('M_INVALID_PARAM');
    const many = (from: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`curve25519:${from + i}`, curveKey()]));
    expect(await refused(many(0, 501))).toBe('M_INVALID_PARAM');
    expect(await refused(many(0, 500))).toBe('no refusal');
    expect(await refused(many(500, 1))).toBe('M_USER_LIMIT_EXCEEDED');
    for (let i = 0; i < 9; i += 1) expect(await refused({ [`other${i}:A`]: curveKey() })).toBe('no refusal');
    expect(await refused({ 'one_too_many:A': curveKey() })).toBe('M_USER_LIMIT_EXCEEDED');
  });

  test('a device has one fallback key for each of a few algorithms', async () => {
    const { phone } = await open();
    const refused = (...keyIds: readonly string[]) => {
      const fallbackKeys = Object.fromEntries(keyIds.map((keyId) => [keyId, { key: curveKey(), fallback: true }]));
      return refusal(world.keyUpload.upload(phone, { fallbackKeys }));
    };
    expect(await refused('signed_curve25519:A', 'signed_curve25519:B')).toBe('M_INVALID_PARAM');
    for (let i = 0; i < 30; i += 1) expect(await refused(`signed_curve25519:${i}`)).toBe('no refusal');
    for (let i = 0; i < 9; i += 1) expect(await refused(`other${i}:A`)).toBe('no refusal');
    expect(await refused('one_too_many:A')).toBe('M_USER_LIMIT_EXCEEDED');
    expect(await world.database.all(sql('SELECT num FROM claimable_keys WHERE device = ?'), phone.device)).toHaveLength(
      10,
    );
  });

  test('everything goes with its device, and others are told', async () => {
    const { alice, bob, phone } = await open();
    await world.keyUpload.upload(phone, {
      deviceKeys: phone.maker.keys(),
      oneTimeKeys: phone.maker.oneTime('A'),
      fallbackKeys: phone.maker.fallback('F'),
    });
    const message = { [alice.userId]: { '*': {} } };
    await world.toDevice.send(bob, 'txn', { type: 'm.test', messages: message });
    const before = world.stream.current;
    await world.users.sessions.logout(alice.user, [phone.device]);
    expect(world.changeLog.since(before)).toMatchObject([{ kind: 'device-list', user: alice.user }]);
    const wanted = new Map([[alice.userId, new Map([['PHONE', 'signed_curve25519']])]]);
    for (const some of [world, reopened()]) {
      expect((await asked(some, bob, alice.userId)).device_keys).toEqual({ [alice.userId]: {} });
      expect(await some.keyClaims.claim(wanted)).toEqual({ keys: '' });
      expect(await claimOnce(phone, some.claimableKeys)).toBeUndefined();
      expect((await some.inbox.look(phone.device, 0, world.stream.current)).texts).toEqual([]);
    }
  });
});
