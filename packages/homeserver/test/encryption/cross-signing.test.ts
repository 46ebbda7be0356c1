import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engines } from '../storage/engines.ts';
import { CrossSigningMaker, KeyMaker } from '../support/key-maker.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, type World } from '../support/world.ts';
import { asked, logIn } from './people.ts';

describe.each(engines)('cross-signing, on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const upload = (
    person: Person,
    { master_key, self_signing_key, user_signing_key }: Partial<Uploaded>,
    isAuthenticated = true,
  ) =>
    world.crossSigning.upload(
      person,
      {
        ...(master_key && { master: master_key }),
        ...(self_signing_key && { self_signing: self_signing_key }),
        ...(user_signing_key && { user_signing: user_signing_key }),
      },
      isAuthenticated,
    );
  const sign = (signer: Person, userId: string, keyId: string, object: JsonObject) =>
    world.signatures.upload(signer, new Map([[userId, new Map([[keyId, object]])]]));
  const open = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const phone = await logIn(world, alice, 'PHONE');
    await world.keyUpload.upload(phone, { deviceKeys: phone.maker.keys() });
    const keys = new CrossSigningMaker(alice.userId);
    await upload(alice, keys.upload());
    return { alice, bob, phone, keys };
  };

  test('keys are given out, the user-signing key to its owner only', async () => {
    const { alice, bob, keys } = await open();
    const uploaded = keys.upload();
    const mine = await asked(world, alice, alice.userId);
    expect(mine.master_keys[alice.userId]).toEqual(uploaded.master_key);
    expect(mine.self_signing_keys[alice.userId]).toEqual(uploaded.self_signing_key);
    expect(mine.user_signing_keys[alice.userId]).toEqual(uploaded.user_signing_key);
    const theirs = await asked(world, bob, alice.userId);
    expect(theirs.master_keys[alice.userId]).toEqual(uploaded.master_key);
    expect(theirs.user_signing_keys).toEqual({});
  });

  test('only what is new needs authentication, and not the first time', async () => {
    const { alice, keys } = await open();
    const { master_key, self_signing_key } = keys.upload();
    const isStored = (person: Person, given: Partial<Uploaded>) => upload(person, given, false);
    expect(await isStored(await world.person(), {})).toBe(true);
    expect(await isStored(alice, { master_key, self_signing_key })).toBe(true);
    expect(await isStored(alice, { master_key: new CrossSigningMaker(alice.userId).masterKey() })).toBe(false);
    const other = new CrossSigningMaker(alice.userId, keys.master).upload();
    expect(await isStored(alice, { master_key, self_signing_key: other.self_signing_key })).toBe(false);
  });

  test('one of several first uploads at the same time is stored, the others need authentication', async () => {
    const alice = await world.person();
    const makers = [1, 2, 3, 4].map(() => new CrossSigningMaker(alice.userId));
    const stored = await Promise.all(makers.map((maker) => upload(alice, maker.upload(), false)));
    expect(stored).toEqual([true, false, false, false]);
    const mine = await asked(world, alice, alice.userId);
    expect(mine.master_keys[alice.userId]).toEqual(makers[0]?.masterKey());
  });

  test('keys that are not signed, or not of this user, are refused', async () => {
    const { alice, bob, phone, keys } = await open();
    const other = new CrossSigningMaker(alice.userId).upload();
    expect(await refusal(upload(alice, { self_signing_key: other.self_signing_key }))).toBe('M_INVALID_SIGNATURE');
    expect(await refusal(upload(bob, { master_key: keys.masterKey() }))).toBe('M_INVALID_PARAM');
    const orphan = new CrossSigningMaker(bob.userId).upload();
    expect(await refusal(upload(bob, { self_signing_key: orphan.self_signing_key }))).toBe('M_MISSING_PARAM');
    expect(await refusal(upload(bob, { master_key: { ...orphan.master_key, usage: ['user_signing'] } }))).toBe(
      'M_INVALID_PARAM',
    );
    const named = { 'ed25519:PHONE': 'PHONE' };
    expect(await refusal(upload(alice, { master_key: { ...keys.masterKey(), keys: named } }))).toBe('M_FORBIDDEN');
    expect((await asked(world, bob, bob.userId)).master_keys).toEqual({});
    expect(phone.deviceId).toBe('PHONE');
  });

  test('signatures on own devices and the master key are seen by all', async () => {
    const { alice, bob, phone, keys } = await open();
    const { signatures: _, ...bare } = phone.maker.keys();
    expect(await sign(alice, alice.userId, 'PHONE', keys.selfSigning.sign(bare))).toEqual({});
    expect(await sign(alice, alice.userId, keys.master.publicKey, phone.maker.sign(keys.masterKey()))).toEqual({});
    const seen = await asked(world, bob, alice.userId);
    expect(Object.keys(seen.device_keys[alice.userId]?.PHONE?.signatures?.[alice.userId] ?? {})).toEqual([
      'ed25519:PHONE',
      keys.selfSigning.keyId,
    ]);
    expect(Object.keys(seen.master_keys[alice.userId]?.signatures?.[alice.userId] ?? {})).toEqual(['ed25519:PHONE']);
    // The device may say the same again and keeps what was said of it.
    await world.keyUpload.upload(phone, { deviceKeys: phone.maker.keys() });
    expect((await asked(world, bob, alice.userId)).device_keys).toEqual(seen.device_keys);
  });

  test('a signature on another user is seen by the signer only', async () => {
    const { alice, bob, keys } = await open();
    const carol = await world.person();
    const bobs = new CrossSigningMaker(bob.userId);
    await upload(bob, bobs.upload());
    const { publicKey } = keys.master;
    expect(await sign(bob, alice.userId, publicKey, bobs.userSigning.sign(keys.masterKey()))).toEqual({});
    const seenBy = async (person: Person) =>
      (await asked(world, person, alice.userId)).master_keys[alice.userId]?.signatures;
    expect(Object.keys((await seenBy(bob))?.[bob.userId] ?? {})).toEqual([bobs.userSigning.keyId]);
    expect(await seenBy(alice)).toBeUndefined();
    expect(await seenBy(carol)).toBeUndefined();
    // With a new master key nobody has signed her any more.
    await upload(alice, new CrossSigningMaker(alice.userId).upload());
    expect(await seenBy(bob)).toBeUndefined();
  });

  test('forged signatures are reported and not stored', async () => {
    const { alice, bob, phone, keys } = await open();
    const { signatures: _, ...bare } = phone.maker.keys();
    const code = async (userId: string, keyId: string, object: JsonObject) =>
      (await sign(alice, userId, keyId, object))[userId]?.[keyId]?.errcode;
    const wrongKey = new KeyMaker(alice.userId, keys.selfSigning.publicKey);
    expect(await code(alice.userId, 'PHONE', wrongKey.sign(bare))).toBe('M_INVALID_SIGNATURE');
    expect(await code(alice.userId, 'PHONE', keys.master.sign(bare))).toBe('M_INVALID_SIGNATURE');
    expect(await code(alice.userId, 'PHONE', keys.selfSigning.sign({ ...bare, algorithms: [] }))).toBe(
      'M_INVALID_SIGNATURE',
    );
    const right = keys.selfSigning.sign(bare) as JsonObject & { signatures: Record<string, JsonObject> };
    const alsoForged = { ...right.signatures[alice.userId], 'ed25519:OTHER': 'forged' };
    expect(await code(alice.userId, 'PHONE', { ...right, signatures: { [alice.userId]: alsoForged } })).toBe(
      'M_INVALID_SIGNATURE',
    );
    expect(await code(alice.userId, 'NOBODY', right)).toBe('M_NOT_FOUND');
    expect(await code('@nobody:test.local', 'X', right)).toBe('M_NOT_FOUND');
    const bobs = new CrossSigningMaker(bob.userId);
    await upload(bob, bobs.upload());
    const notUserSigning = keys.selfSigning.sign(bobs.masterKey());
    expect(await code(bob.userId, bobs.master.publicKey, notUserSigning)).toBe('M_INVALID_SIGNATURE');
    expect(await code(bob.userId, bobs.selfSigning.publicKey, bobs.masterKey())).toBe('M_NOT_FOUND');
    const seen = await asked(world, alice, alice.userId, bob.userId);
    expect(Object.keys(seen.device_keys[alice.userId]?.PHONE?.signatures?.[alice.userId] ?? {})).toEqual([
      'ed25519:PHONE',
    ]);
    expect(seen.master_keys[bob.userId]).toEqual(bobs.masterKey());
  });

  test('goes with the account, not with a device', async () => {
    const { alice, bob, phone } = await open();
    await world.users.sessions.logout(alice.user, [phone.device]);
    expect((await asked(world, bob, alice.userId)).master_keys).not.toEqual({});
    await world.users.accountChanges.deactivate(alice, false);
    expect((await asked(world, bob, alice.userId)).master_keys).toEqual({});
  });
});

type Uploaded = ReturnType<CrossSigningMaker['upload']>;
