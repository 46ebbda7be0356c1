import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PushService } from '../../src/compose/push.ts';
import type { PusherRequest } from '../../src/push/check-pusher.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type World } from '../support/world.ts';

describe.each(engines)('pushers, on $name', (engine) => {
  let world: World;
  let service: PushService;
  beforeAll(async () => {
    world = await openWorld(engine);
    service = await world.openPush({
      postJson: () => Promise.reject(new Error('no network')),
      mail: undefined,
    });
  });
  afterAll(() => world.end());

  const request = (more: Partial<PusherRequest> = {}): PusherRequest => ({
    kind: 'http',
    app_id: 'org.example.app',
    pushkey: 'key',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: 'https://push.example.org/_matrix/push/v1/notify' },
    ...more,
  });
  const login = async () => {
    const person = await world.person();
    const { deviceId } = await world.users.sessions.login(person.user, {});
    const devices = await world.users.devices.list(person.user);
    const device = devices.find((each) => each.deviceId === deviceId)?.num;
    if (device === undefined) throw new Error('no device');
    return { ...person, device };
  };
  const keysOf = async (user: number) => (await service.pushers.of(user)).map(({ pushkey }) => pushkey);

  test('are made, changed and removed', async () => {
    const { user, device } = await login();
    await service.push.setPusher({ user, device }, request());
    await service.push.setPusher({ user, device }, request({ lang: 'fr', profile_tag: 'tag' }));
    expect(await service.pushers.of(user)).toMatchObject([{ pushkey: 'key', lang: 'fr', profile_tag: 'tag', device }]);
    await service.push.setPusher({ user, device }, request({ pushkey: 'other' }));
    expect(await keysOf(user)).toEqual(['key', 'other']);
    await service.push.setPusher({ user, device }, { kind: null, app_id: 'org.example.app', pushkey: 'key' });
    await service.push.setPusher({ user, device }, { kind: null, app_id: 'org.example.app', pushkey: 'never' });
    expect(await keysOf(user)).toEqual(['other']);
  });

  test('with the same key of other users are removed, unless append is set', async () => {
    const [alice, bob] = [await login(), await login()];
    await service.push.setPusher(alice, request({ pushkey: 'shared' }));
    await service.push.setPusher(bob, request({ pushkey: 'shared', append: true }));
    expect([await keysOf(alice.user), await keysOf(bob.user)]).toEqual([['shared'], ['shared']]);
    await service.push.setPusher(bob, request({ pushkey: 'shared', append: false }));
    expect([await keysOf(alice.user), await keysOf(bob.user)]).toEqual([[], ['shared']]);
  });

  test('have their limits', async () => {
    const owner = await login();
    const set = (more: Partial<PusherRequest>) => refusal(service.push.setPusher(owner, request(more)));
    const url = (text: string) => set({ data: { url: text } });
    expect(await set({ kind: 'pigeon' })).toBe('M_INVALID_PARAM');
    expect(await set({ kind: 'email' })).toBe('M_INVALID_PARAM');
    expect(await set({ lang: undefined })).toBe('M_MISSING_PARAM');
    expect(await set({ data: undefined })).toBe('M_MISSING_PARAM');
    expect(await set({ data: {} })).toBe('M_MISSING_PARAM');
    expect(await set({ app_id: 'x'.repeat(65) })).toBe('M_INVALID_PARAM');
    expect(await set({ pushkey: 'é'.repeat(257) })).toBe('M_INVALID_PARAM');
    expect(await set({ app_display_name: 'x'.repeat(501) })).toBe('M_INVALID_PARAM');
    const large = { url: 'https://push.example.org/_matrix/push/v1/notify', more: 'x'.repeat(20_000) };
    expect(await set({ data: large })).toBe('M_INVALID_PARAM');
    expect(await url('https://push.example.org/elsewhere')).toBe('M_INVALID_PARAM');
    expect(await url('ftp://push.example.org/_matrix/push/v1/notify')).toBe('M_INVALID_PARAM');
    expect(await url('https://a:b@push.example.org/_matrix/push/v1/notify')).toBe('M_INVALID_PARAM');
    expect(await url('nonsense')).toBe('M_INVALID_PARAM');
    expect(await keysOf(owner.user)).toEqual([]);
    for (let i = 0; i < 100; i++) expect(await set({ pushkey: `${i}` })).toBe('no refusal');
    expect(await set({ pushkey: 'one too many' })).toBe('M_USER_LIMIT_EXCEEDED');
  });

  test('go with the session that made them, and stay with its new password', async () => {
    const owner = await login();
    const { deviceId } = await world.users.sessions.login(owner.user, {});
    const other = (await world.users.devices.list(owner.user)).find((each) => each.deviceId === deviceId)?.num ?? 0;
    await service.push.setPusher(owner, request({ pushkey: 'mine' }));
    await service.push.setPusher({ user: owner.user, device: other }, request({ pushkey: 'of the other' }));
    await world.users.accountChanges.setPassword(owner, 'a new password', true);
    expect(await keysOf(owner.user)).toEqual(['mine']);
    await world.users.sessions.logout(owner.user, [owner.device]);
    expect(await keysOf(owner.user)).toEqual([]);
  });
});
