import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../src/account-data/user-data.ts';
import { openUserData } from '../src/compose/user-data.ts';
import { NOT_LOADED } from '../src/platform/lookups/source.ts';
import type { Change } from '../src/storage/engine/stream.ts';
import { engines } from './storage/engines.ts';
import { openDomain } from './support/domain.ts';
import { refusal } from './support/refusal.ts';

describe.each(engines)('user data, on $name', (engine) => {
  let domain: Awaited<ReturnType<typeof openDomain>>;
  beforeAll(async () => {
    domain = await openDomain(engine);
  });
  afterAll(() => domain.end());

  let count = 0;
  const open = async () => {
    count += 1;
    const account = await domain.users.accounts.create(`@user${count}:test.local`, { password: 'pass' });
    return { ...account, ...openUserData(domain, domain.users) };
  };
  /** Opens the same data with empty caches, as after a restart. */
  const reopened = () => openUserData(domain, domain.users);

  test('a profile contains the fields that were set, and changes member events', async () => {
    const { user, userId, profiles } = await open();
    const told: unknown[] = [];
    profiles.onChange((...change) => told.push(change));
    await profiles.set(user, userId, 'displayname', 'Me');
    await profiles.set(user, userId, 'displayname', 'Me');
    await profiles.set(user, userId, 'avatar_url', 'mxc://test.local/a');
    await profiles.set(user, userId, 'org.example.pronouns', ['they']);
    const profile = { displayname: 'Me', avatar_url: 'mxc://test.local/a', 'org.example.pronouns': ['they'] };
    expect(await profiles.of(userId)).toEqual(profile);
    expect(await reopened().profiles.of(userId)).toEqual(profile);
    await profiles.set(user, userId, 'displayname', '');
    expect(await refusal(profiles.field(userId, 'displayname'))).toBe('M_NOT_FOUND');
    expect(told).toEqual([
      [user, userId, { displayname: 'Me' }],
      [user, userId, { displayname: 'Me', avatar_url: 'mxc://test.local/a' }],
      [user, userId, { avatar_url: 'mxc://test.local/a' }],
    ]);
    expect(await refusal(profiles.of('@nobody:test.local'))).toBe('M_NOT_FOUND');
  });

  test('a profile has size limits', async () => {
    const { user, userId, profiles } = await open();
    const set = (keyName: string, value: string | number) => refusal(profiles.set(user, userId, keyName, value));
    expect(await set('displayname', 3)).toBe('M_BAD_JSON');
    expect(await set('avatar_url', `mxc://x/${'y'.repeat(5_000)}`)).toBe('M_INVALID_PARAM');
    expect(await set('not a key!', 1)).toBe('M_INVALID_PARAM');
    expect(await set(`org.${'x'.repeat(300)}`, 1)).toBe('M_KEY_TOO_LARGE');
    expect(await set('org.example.a', 'x'.repeat(40_000))).toBe('no refusal');
    expect(await set('org.example.b', 'x'.repeat(40_000))).toBe('M_PROFILE_TOO_LARGE');
    expect(await set('org.example.a', 'short')).toBe('no refusal');
  });

  test('account data is stored, announced and returned after a position', async () => {
    const { user, accountData } = await open();
    const changes: Change[] = [];
    domain.stream.listen((some) => changes.push(...some));
    const room = await accountData.roomOf('!room:test.local');
    const before = domain.stream.current;
    await accountData.set(user, GLOBAL, 'a.type', '{"n":1}');
    const between = domain.stream.current;
    await accountData.set(user, room, 'a.type', '{"n":2}');
    await accountData.set(user, GLOBAL, 'a.type', '{"n":3}');
    const contents = async (data: typeof accountData, position: number) =>
      (await data.accountDataSince(user, position)).map(({ content }) => content);
    for (const data of [accountData, reopened().accountData]) {
      expect(await contents(data, before)).toEqual(['{"n":2}', '{"n":3}']);
      expect(await contents(data, between)).toEqual(['{"n":2}', '{"n":3}']);
      expect(await contents(data, domain.stream.current)).toEqual([]);
      expect(await data.roomAccountData(user, [98, room])).toMatchObject([{ type: 'a.type', content: '{"n":2}' }]);
      expect((await data.globalAccountData(user)).map(({ type }) => type).sort()).toEqual(['a.type', 'm.push_rules']);
    }
    expect(changes).toMatchObject([
      { kind: 'account-data', user, room: null, type: 'a.type' },
      { kind: 'account-data', user, room },
      { kind: 'account-data', user, room: null },
    ]);
    expect(await refusal(accountData.setByClient(user, GLOBAL, 'm.push_rules', '{}'))).toBe('M_BAD_JSON');
  });

  test('listeners read the new content at the announcement', async () => {
    const { user, accountData } = await open();
    await accountData.of(user);
    const seen: unknown[] = [];
    domain.stream.listen(([change]) => {
      const data = accountData.source.peek(user);
      if (change?.kind === 'account-data' && change.user === user && data !== NOT_LOADED)
        seen.push(data.last === change.position);
    });
    await accountData.set(user, GLOBAL, 'b.type', '{}');
    expect(seen).toEqual([true]);
  });

  test('concurrent changes of tags are all kept', async () => {
    const { user, tags, accountData } = await open();
    await Promise.all([
      tags.set(user, 5, 'u.a', { order: 0.5 }),
      tags.set(user, 5, 'u.b', {}),
      tags.set(user, 5, 'u.c', {}),
    ]);
    await tags.remove(user, 5, 'u.c');
    expect(await tags.of(user, 5)).toEqual({ 'u.a': { order: 0.5 }, 'u.b': {} });
    expect(await accountData.content(user, 5, 'm.tag')).toBe('{"tags":{"u.a":{"order":0.5},"u.b":{}}}');
    expect(await refusal(tags.set(user, 5, 'x'.repeat(256), {}))).toBe('M_INVALID_PARAM');
  });

  test('ignored users are read from the account data, and again when it changes', async () => {
    const { user, accountData, ignoredUsers } = await open();
    expect(await ignoredUsers.of(user)).toEqual(new Set());
    const ignore = (ids: string[]) =>
      accountData.set(
        user,
        GLOBAL,
        'm.ignored_user_list',
        JSON.stringify({ ignored_users: Object.fromEntries(ids.map((id) => [id, {}])) }),
      );
    await ignore(['@spam:x', '@other:x']);
    expect(await ignoredUsers.of(user)).toEqual(
      new Set([await domain.names.reserve('@spam:x'), await domain.names.reserve('@other:x')]),
    );
    await ignore(['@other:x']);
    expect(await ignoredUsers.of(user)).toEqual(new Set([await domain.names.reserve('@other:x')]));
    await accountData.set(user, GLOBAL, 'm.ignored_user_list', '{"ignored_users":["@odd:x"]}');
    expect(await ignoredUsers.of(user)).toEqual(new Set());
  });

  test('push rules keep actions without effect as they were written', async () => {
    const { user, pushRules } = await open();
    const silent = ['dont_notify'];
    await pushRules.put(user, 'sender', '@loud:x', { actions: silent }, {});
    await pushRules.setActions(user, 'underride', '.m.rule.message', ['notify', 'coalesce']);
    for (const rules of [pushRules, reopened().pushRules]) {
      expect((await rules.rulesetOf(user)).sender[0]?.actions).toEqual(silent);
      expect((await rules.rule(user, 'underride', '.m.rule.message')).actions).toEqual(['notify', 'coalesce']);
    }
  });

  test('push rules about threads can be enabled and changed, and none can be added', async () => {
    const { user, pushRules } = await open();
    const followed = '.io.element.msc4306.rule.subscribed_thread';
    expect((await pushRules.rule(user, 'postcontent', followed)).enabled).toBe(false);
    await pushRules.setEnabled(user, 'postcontent', followed, true);
    await pushRules.setActions(user, 'postcontent', followed, ['notify']);
    expect(await reopened().pushRules.rule(user, 'postcontent', followed)).toMatchObject({
      enabled: true,
      default: true,
      actions: ['notify'],
      conditions: [{ kind: 'io.element.msc4306.thread_subscription', subscribed: true }],
    });
    const own = pushRules.put(user, 'postcontent', 'own', { actions: [], conditions: [] }, {});
    expect(await refusal(own)).toBe('M_INVALID_PARAM');
    expect(await refusal(pushRules.remove(user, 'postcontent', followed))).toBe('M_INVALID_PARAM');
  });

  test('push rules are limited in number', async () => {
    const { user, pushRules, accountData } = await open();
    const rules = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({
        rule_id: `${prefix}${i}:x`,
        default: false,
        enabled: true,
        actions: [],
      }));
    const stored = { override: rules('o', 990), room: rules('!r', 5_000), sender: rules('@s', 4_000) };
    await accountData.set(user, GLOBAL, 'm.push_rules', JSON.stringify({ global: stored }));
    const put = (kind: string, id: string) => refusal(pushRules.put(user, kind, id, { actions: [] }, {}));
    for (let i = 0; i < 10; i += 1) expect(await put('room', `!more${i}:x`)).toBe('no refusal');
    expect(await put('room', '!last:x')).toBe('M_INVALID_PARAM');
    await accountData.set(user, GLOBAL, 'm.push_rules', JSON.stringify({ global: { override: rules('o', 1_000) } }));
    expect(await put('override', 'one-more')).toBe('M_INVALID_PARAM');
    expect(await put('room', '!first:x')).toBe('no refusal');
  });

  test('push rules are placed, updated, enabled, deleted and stored', async () => {
    const { user, pushRules } = await open();
    const put = (ruleId: string, place = {}, pattern = ruleId) =>
      pushRules.put(user, 'content', ruleId, { pattern, actions: ['notify'] }, place);
    await put('b');
    await put('c', { after: 'b' });
    await put('a', { before: 'b' });
    await put('first');
    await put('b', {}, 'new pattern');
    await pushRules.setEnabled(user, 'content', 'c', false);
    await pushRules.setActions(user, 'override', '.m.rule.tombstone', []);
    await pushRules.remove(user, 'content', 'a');
    for (const rules of [pushRules, reopened().pushRules]) {
      const { content, override } = await rules.rulesetOf(user);
      expect(content.filter((rule) => !rule.default)).toMatchObject([
        { rule_id: 'first' },
        { rule_id: 'b', pattern: 'new pattern', enabled: true },
        { rule_id: 'c', enabled: false },
      ]);
      expect(override[0]).toMatchObject({ rule_id: '.m.rule.master', enabled: false, default: true });
      expect(override.find((rule) => rule.rule_id === '.m.rule.tombstone')?.actions).toEqual([]);
      expect(await rules.rulesetOf(user)).toBe(await rules.rulesetOf(user));
    }
    expect(await refusal(put('x', { after: 'nothing' }))).toBe('M_NOT_FOUND');
    expect(await refusal(put('.mine'))).toBe('M_INVALID_PARAM');
    expect(await refusal(pushRules.remove(user, 'override', '.m.rule.master'))).toBe('M_INVALID_PARAM');
    expect(await refusal(pushRules.setEnabled(user, 'content', 'gone', true))).toBe('M_NOT_FOUND');
    expect(await refusal(pushRules.rule(user, 'nonsense', 'x'))).toBe('M_INVALID_PARAM');
  });

  test('a deactivated account leaves no data', async () => {
    const { user, userId, profiles, accountData } = await open();
    await profiles.set(user, userId, 'displayname', 'Me');
    await accountData.set(user, GLOBAL, 'a.type', '{}');
    await domain.users.accountChanges.deactivate({ user, userId }, false);
    expect(await refusal(profiles.of(userId))).toBe('M_NOT_FOUND');
    expect(await reopened().accountData.accountDataSince(user, 0)).toEqual([]);
  });
});
