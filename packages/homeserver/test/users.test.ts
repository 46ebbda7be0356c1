import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, describe, expect, test } from 'vitest';
import { engines } from './storage/engines.ts';
import { openDomain } from './support/domain.ts';
import { refusal } from './support/refusal.ts';

const opened: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of opened.splice(0)) await end();
});

describe.each(engines)('accounts and sessions on $name', (engine) => {
  const openWith = async (settings: Parameters<typeof openDomain>[1]) => {
    const domain = await openDomain(engine, settings);
    opened.push(domain.end);
    return domain;
  };
  // One database for all tests of an engine: opening one takes longer than the tests.
  let shared: ReturnType<typeof openWith> | undefined;
  const open = () => {
    shared ??= openWith({});
    return shared;
  };
  const dummy = { auth: { type: 'm.login.dummy' } };
  const register = async ({ users }: Awaited<ReturnType<typeof open>>, username: string, password = 'pass') => {
    const result = await users.registrations.register({ ...dummy, username, password });
    if ('challenge' in result) throw new Error('asked for more');
    return result.account;
  };

  test('a user name is taken once, in lower case, and stays taken after deactivation', async () => {
    const domain = await open();
    const account = await register(domain, 'Alice1');
    expect(account.userId).toBe('@alice1:test.local');
    expect(await refusal(register(domain, 'alice1'))).toBe('M_USER_IN_USE');
    await domain.users.accountChanges.deactivate(account, true);
    expect(await refusal(register(domain, 'alice1'))).toBe('M_USER_IN_USE');
    expect(await refusal(domain.users.logins.byPassword('alice1', 'pass', '192.0.2.1'))).toBe('M_USER_DEACTIVATED');
    expect(await refusal(register(domain, 'no spaces'))).toBe('M_INVALID_USERNAME');
  });

  test('one of two concurrent registrations gets a user name', async () => {
    const domain = await open();
    const outcomes = await Promise.all([refusal(register(domain, 'same')), refusal(register(domain, 'same'))]);
    expect(outcomes.sort()).toEqual(['M_USER_IN_USE', 'no refusal']);
  });

  test('closed registration accepts the token of the first start once, for an administrator', async () => {
    const { users } = await openWith({ registration: 'token' });
    expect(await refusal(users.registrations.register({ username: 'root' }))).toBe('M_FORBIDDEN');
    const old = await users.registrationTokens.makeFirstStartToken();
    const token = await users.registrationTokens.makeFirstStartToken();
    expect(await users.registrations.isTokenValid(old)).toBe(false);
    const challenge = await users.registrations.register({ username: 'root' });
    expect(challenge).toMatchObject({ challenge: { flows: [{ stages: ['m.login.registration_token'] }] } });
    const auth = { type: 'm.login.registration_token', token };
    const result = await users.registrations.register({ auth, username: 'root', password: 'pass' });
    expect(result).toMatchObject({ account: { isAdmin: true } });
    expect(await refusal(users.registrations.register({ auth, username: 'second' }))).toBe('M_FORBIDDEN');
  });

  test('a session is cached until it ends', async () => {
    const domain = await open();
    const { users } = domain;
    const { user } = await register(domain, 'alice4');
    const one = await users.sessions.login(user, { deviceId: 'ONE' });
    const two = await users.sessions.login(user, {});
    expect(await users.authenticator.authenticate(one.accessToken)).toMatchObject({ deviceId: 'ONE', user });
    expect(users.authenticator.authenticate(one.accessToken)).not.toBeInstanceOf(Promise);
    const again = await users.sessions.login(user, { deviceId: 'ONE' });
    expect(await users.authenticator.authenticate(one.accessToken)).toBeUndefined();
    const session = await users.authenticator.authenticate(again.accessToken);
    await users.sessions.logoutAll(user, session?.device);
    expect(await users.authenticator.authenticate(two.accessToken)).toBeUndefined();
    expect(await users.authenticator.authenticate(again.accessToken)).toBeDefined();
    expect(await users.authenticator.authenticate('made up')).toBeUndefined();
  });

  test('the number of a device is not used again', async () => {
    const domain = await open();
    const { user } = await register(domain, 'alice5');
    const { sessions, authenticator } = domain.users;
    const first = await authenticator.authenticate((await sessions.login(user, {})).accessToken);
    await sessions.logoutAll(user);
    const second = await authenticator.authenticate((await sessions.login(user, {})).accessToken);
    expect(second?.device).toBeGreaterThan(first?.device ?? 0);
  });

  test('a refresh token is valid until one of its successors is used', async () => {
    const domain = await open();
    const { sessions, authenticator } = domain.users;
    const { user } = await register(domain, 'alice6');
    const first = await sessions.login(user, { refreshToken: true });
    const old = first.refreshToken ?? '';
    const lost = await sessions.refresh(old);
    const kept = await sessions.refresh(old);
    expect(await authenticator.authenticate(first.accessToken)).toBeDefined();
    expect(await authenticator.authenticate(lost.accessToken)).toBeUndefined();
    expect(await authenticator.authenticate(kept.accessToken)).toBeDefined();
    expect(await refusal(sessions.refresh(old))).toBe('M_UNKNOWN_TOKEN');
    expect(await authenticator.authenticate(first.accessToken)).toBeUndefined();
    const next = await sessions.refresh(kept.refreshToken ?? '');
    const after = await sessions.refresh(next.refreshToken ?? '');
    expect(await refusal(sessions.refresh(kept.refreshToken ?? ''))).toBe('M_UNKNOWN_TOKEN');
    expect(await authenticator.authenticate(after.accessToken)).toBeDefined();
  });

  test('an expired token is a soft logout', async () => {
    const domain = await open();
    const { sessions, authenticator } = domain.users;
    const { user } = await register(domain, 'alice7');
    const { accessToken } = await sessions.login(user, { refreshToken: true });
    expect(await authenticator.authenticate(accessToken)).toBeDefined();
    await domain.clock.pass(60_000);
    const authenticate = async () => authenticator.authenticate(accessToken);
    await expect(authenticate()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', fields: { soft_logout: true } });
  });

  test('an authentication session is bound to method and path, and remembers the parameters', async () => {
    const domain = await open();
    const account = await register(domain, 'alice8');
    const { ownerCheck } = domain.users;
    const request = { operation: 'deleteDevices', caller: account, from: '192.0.2.1' };
    const devices = (body: { auth?: JsonObject }) => ({ devices: ['A'], ...body });
    const asked = await ownerCheck.judge(request, devices({}));
    if (asked.passed) throw new Error('passed without a password');
    const { session } = asked.challenge;
    const auth = { type: 'm.login.password', password: 'pass', session };
    const wrong = { ...auth, password: 'wrong' };
    const failed = await ownerCheck.judge(request, devices({ auth: wrong }));
    expect(failed).toMatchObject({ passed: false, challenge: { errcode: 'M_FORBIDDEN', session } });
    const other = { ...request, operation: 'deactivateAccount' };
    expect(await refusal(ownerCheck.judge(other, { auth }))).toBe('M_FORBIDDEN');
    expect(await refusal(ownerCheck.judge({ ...request, target: 'A' }, { auth }))).toBe('M_FORBIDDEN');
    expect(ownerCheck.recall(other, { auth })).toEqual({ auth });
    expect(ownerCheck.recall(request, { auth })).toEqual({ devices: ['A'], auth });
    expect(await ownerCheck.judge(request, devices({ auth }))).toMatchObject({ passed: true });
    expect(await ownerCheck.judge(request, devices({ auth: { session } }))).toMatchObject({
      passed: false,
    });
  });

  test('a login token is good for one login within two minutes', async () => {
    const domain = await open();
    const { userId } = await register(domain, 'alice9');
    const { logins } = domain.users;
    const token = logins.makeToken(userId);
    expect(await logins.byToken(token)).toMatchObject({ userId });
    expect(await refusal(logins.byToken(token))).toBe('M_FORBIDDEN');
    const late = logins.makeToken(userId);
    await domain.clock.pass(120_000);
    expect(await refusal(logins.byToken(late))).toBe('M_FORBIDDEN');
  });

  test('the last address of a device is returned before and after it is written', async () => {
    const domain = await open();
    const { users } = domain;
    const { user } = await register(domain, 'alice10');
    const { accessToken } = await users.sessions.login(user, { deviceId: 'D' });
    const session = await users.authenticator.authenticate(accessToken);
    users.lastSeen.touch(session?.device ?? 0, '192.0.2.1', 'agent');
    const seen = { deviceId: 'D', seenIp: '192.0.2.1', seenTs: domain.clock.now(), seenAgent: 'agent' };
    expect(await users.devices.list(user)).toMatchObject([seen]);
    await users.lastSeen.flush();
    expect(await users.devices.list(user)).toMatchObject([seen]);
  });

  test('locking applies to cached sessions', async () => {
    const domain = await open();
    const { users } = domain;
    const { user } = await register(domain, 'alice11');
    const { accessToken } = await users.sessions.login(user, {});
    await users.authenticator.authenticate(accessToken);
    await users.accountChanges.setLocked(user, true);
    expect(await users.authenticator.authenticate(accessToken)).toMatchObject({ isLocked: true });
    expect(await refusal(users.logins.byPassword('alice11', 'pass', '192.0.2.1'))).toBe('M_USER_LOCKED');
  });
});
