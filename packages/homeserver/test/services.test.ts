import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Reports } from '../src/reports/reports.ts';
import { mutualRooms } from '../src/rooms/membership/mutual-rooms.ts';
import { turnCredentials } from '../src/voip/turn-credentials.ts';
import { engines } from './storage/engines.ts';
import { ManualClock } from './support/manual-clock.ts';
import { refusal } from './support/refusal.ts';
import { openWorld, type World, type WorldServices } from './support/world.ts';

describe.each(engines)('services besides rooms, on $name', (engine) => {
  let world: World;
  let services: WorldServices;
  beforeAll(async () => {
    world = await openWorld(engine);
    services = world.openServices();
  });
  afterAll(() => world.end());

  test('reports are stored within limits, and deleted after a year', async () => {
    const { reports } = services;
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    const event = await world.say(alice, head, 'bad words');
    const complaint = { user: bob.user, reason: 'rude', score: -100 };
    expect(await refusal(reports.reportEvent(complaint, head.roomId, event.eventId))).toBe('M_NOT_FOUND');
    await world.joining.join(head, bob);
    await reports.reportEvent(complaint, head.roomId, event.eventId);
    await world.clock.pass(1);
    await reports.reportRoom({ user: bob.user, reason: '' }, head.roomId);
    await world.clock.pass(1);
    await reports.reportUser({ user: bob.user, reason: 'spam' }, alice.userId);
    expect(await reports.latest(10)).toMatchObject([
      { reporter: bob.user, user_num: alice.user, room: null, reason: 'spam' },
      { reporter: bob.user, user_num: null, room: head.num, reason: '' },
      { reporter: bob.user, user_num: alice.user, room: head.num, event: event.num, reason: 'rude', score: -100 },
    ]);
    expect(await refusal(reports.reportRoom(complaint, '!none:test.local'))).toBe('M_NOT_FOUND');
    expect(await refusal(reports.reportUser(complaint, '@none:test.local'))).toBe('M_NOT_FOUND');
    expect(await refusal(reports.reportEvent(complaint, head.roomId, '$none'))).toBe('M_NOT_FOUND');
    const long = { user: bob.user, reason: 'x'.repeat(3_000) };
    expect(await refusal(reports.reportUser(long, alice.userId))).toBe('M_INVALID_PARAM');
    for (let i = 3; i < 200; i++) await reports.reportUser(complaint, alice.userId);
    expect(await refusal(reports.reportUser(complaint, alice.userId))).toBe('M_LIMIT_EXCEEDED');
    const later = new ManualClock(world.clock.now() + 366 * 24 * 60 * 60_000);
    await new Reports({ ...world, clock: later, accounts: world.users.accounts }).expire();
    expect(await reports.latest(10)).toEqual([]);
  });

  test('an OpenID token identifies its user for an hour, and is no access token', async () => {
    const { openIdTokens } = services;
    const [alice, bob] = [await world.person(), await world.person()];
    const { token, expiresInMs } = await openIdTokens.issue(alice, alice.userId);
    expect(await openIdTokens.owner(token)).toBe(alice.userId);
    expect(await refusal(openIdTokens.issue(bob, alice.userId))).toBe('M_FORBIDDEN');
    expect(await world.users.authenticator.authenticate(token)).toBeUndefined();
    expect(await openIdTokens.owner('hearth_oi_guess')).toBeUndefined();
    await world.clock.pass(expiresInMs);
    expect(await openIdTokens.owner(token)).toBeUndefined();
  });

  test('mutual rooms are the rooms that both users have joined', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const both = await world.room(alice);
    await world.joining.join(both, bob);
    await world.room(alice);
    await world.room(bob, { invite: [alice.userId] });
    expect(await mutualRooms(world, alice, bob.userId, undefined)).toEqual({ roomIds: [both.roomId], count: 1 });
    expect(await mutualRooms(world, alice, '@nobody:elsewhere', undefined)).toEqual({ roomIds: [], count: 0 });
    expect(await refusal(mutualRooms(world, alice, alice.userId, undefined))).toBe('M_INVALID_PARAM');
    expect(await refusal(mutualRooms(world, alice, 'bob', undefined))).toBe('M_INVALID_PARAM');
    expect(await refusal(mutualRooms(world, alice, bob.userId, 'x'))).toBe('M_INVALID_PARAM');
  });
});

test('TURN credentials are derived from the secret, or are the shared account', () => {
  const uris = ['turn:turn.example.org'];
  const made = turnCredentials({ uris, ttlMs: 60_000, login: { secret: 's' } }, '@a:b', 1_000_000);
  const username = '1060:@a:b';
  const password = createHmac('sha1', 's').update(username).digest('base64');
  expect(made).toEqual({ username, password, uris, ttl: 60 });
  const login = { username: 'u', password: 'p' };
  expect(turnCredentials({ uris, ttlMs: 60_000, login }, '@a:b', 0)).toEqual({ ...login, uris, ttl: 60 });
});
