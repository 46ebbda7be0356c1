import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../src/account-data/user-data.ts';
import type { Change } from '../src/storage/engine/stream.ts';
import { engines } from './storage/engines.ts';
import { openWorld, reopenWorld, type World } from './support/world.ts';

const PREFIX = 'org.matrix.msc3890.local_notification_settings.';

describe.each(engines)('notification settings of devices (MSC3890), on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const ids = ['PHONE', 'LAPTOP'];
  async function prepare() {
    const { user } = await world.person();
    for (const deviceId of ids) {
      await world.users.sessions.login(user, { deviceId });
      for (const prefix of [PREFIX, 'm.local_notification_settings.'])
        await world.accountData.set(user, GLOBAL, prefix + deviceId, '{"is_silenced":true}');
    }
    const devices = await world.users.deviceNumbers.of([user]);
    return { user, phone: devices.get(user)?.get('PHONE') ?? 0 };
  }
  const typesOf = async ({ accountData }: Pick<World, 'accountData'>, user: number) =>
    (await accountData.globalAccountData(user)).map(({ type }) => type).filter((type) => type !== 'm.push_rules');

  test.each([
    ['logout', (user: number, phone: number) => world.users.sessions.logout(user, [phone])],
    ['the deletion of devices', (user: number) => world.users.sessions.logoutDevices(user, ['PHONE', 'UNKNOWN'])],
  ])('are deleted by %s, and those of other devices remain', async (_, remove) => {
    const { user, phone } = await prepare();
    const changes: Change[] = [];
    world.stream.listen((some) => changes.push(...some));
    await remove(user, phone);
    for (const opened of [world, await reopenWorld(world)])
      expect((await typesOf(opened, user)).sort()).toEqual(['m.local_notification_settings.LAPTOP', `${PREFIX}LAPTOP`]);
    const announced = changes.filter((change) => change.kind === 'account-data' && change.user === user);
    // The reopened data of an earlier test use the same sessions, and announce the same deletions.
    expect(new Set(announced.map((change) => change.kind === 'account-data' && change.type))).toEqual(
      new Set(['m.local_notification_settings.PHONE', `${PREFIX}PHONE`]),
    );
  });

  test('are deleted with all devices at once, also by parallel requests', async () => {
    const { user, phone } = await prepare();
    await Promise.all([world.users.sessions.logoutAll(user), world.users.sessions.logout(user, [phone])]);
    for (const opened of [world, await reopenWorld(world)]) expect(await typesOf(opened, user)).toEqual([]);
  });
});
