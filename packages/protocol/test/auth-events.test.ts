import { expect, test } from 'vitest';
import { authEventKeys, checkAuthEvents } from '../src/auth/auth-events.ts';
import { authorise } from '../src/auth/authorise.ts';
import { powerLevel, powerNeeded, powerOf, requiredPower } from '../src/auth/power.ts';
import { redactionApplies } from '../src/auth/redaction.ts';
import type { AuthEvent } from '../src/events/event.ts';
import type { JsonObject } from '../src/json/value.ts';
import { signingKeyFromSeed } from '../src/signing/ed25519.ts';
import { signJson } from '../src/signing/json.ts';
import { type FixtureEvent, fixtureEvent } from './support/fixtures.ts';
import { version } from './support/version.ts';

const v11 = version('11');
const v12 = version('12');
const event = (fixture: Partial<FixtureEvent>, rules = v11): AuthEvent =>
  fixtureEvent({ sender: '@a:a', type: 'm.room.message', ...fixture }, rules);
const member = (sender: string, state_key: string, content: JsonObject) =>
  event({ id: `$${state_key}`, sender, type: 'm.room.member', state_key, content });
const create = event({ id: '$create:a', type: 'm.room.create', state_key: '', content: { creator: '@a:a' } });
const levels = event({ id: '$levels:a', type: 'm.room.power_levels', state_key: '' });
const joined = member('@a:a', '@a:a', { membership: 'join' });

test('a message selects the create event, the power levels and the sender', () => {
  const common = [
    ['m.room.power_levels', ''],
    ['m.room.member', '@a:a'],
  ];
  expect(authEventKeys(event({}), v11)).toEqual([['m.room.create', ''], ...common]);
  expect(authEventKeys(event({}), v12)).toEqual(common);
  expect(authEventKeys(create, v11)).toEqual([]);
});

test('memberships select the events that their rules need', () => {
  const keys = (content: JsonObject, rules = v12) =>
    authEventKeys(member('@a:a', '@b:a', content), rules).map(([type, key]) => `${type}:${key}`);
  const both = ['m.room.power_levels:', 'm.room.member:@a:a', 'm.room.member:@b:a'];
  expect(keys({ membership: 'leave' })).toEqual(both);
  expect(keys({ membership: 'ban' })).toEqual(both);
  expect(keys({ membership: 'knock' })).toEqual([...both, 'm.room.join_rules:']);
  expect(keys({ membership: 'invite', third_party_invite: { signed: { token: 't' } } })).toEqual([
    ...both,
    'm.room.join_rules:',
    'm.room.third_party_invite:t',
  ]);
  const restricted = { membership: 'join', join_authorised_via_users_server: '@c:a' };
  expect(keys(restricted)).toEqual([...both, 'm.room.join_rules:', 'm.room.member:@c:a']);
  expect(keys(restricted, version('7'))).toEqual(['m.room.create:', ...both, 'm.room.join_rules:']);
});

test('auth_events are checked', () => {
  const check = (entries: AuthEvent[], rules = v11) => checkAuthEvents(event({}), entries, rules);
  expect(check([create, levels, joined])).toBeUndefined();
  expect(check([create])).toBeUndefined();
  expect(check([levels, joined])).toContain('no m.room.create');
  expect(check([levels, joined], v12)).toBeUndefined();
  expect(check([create], v12)).toContain('not one that authorises');
  expect(check([create, { ...levels, eventId: '$2' }, levels])).toContain('more than one');
  expect(check([create, member('@b:a', '@b:a', {})])).toContain('not one that authorises');
  expect(check([create, { ...levels, rejected: true }])).toContain('was rejected');
  expect(check([create, { ...levels, roomId: '!other:a' }])).toContain('another room');
  expect(checkAuthEvents(create, [levels], v11)).toBeUndefined();
});

test('a third-party invite needs a signature by one of its keys', () => {
  const key = signingKeyFromSeed(new Uint8Array(32).fill(1), 'ed25519:0');
  const other = signingKeyFromSeed(new Uint8Array(32).fill(2), 'ed25519:0');
  const signed = signJson({ mxid: '@b:b', token: 't' }, 'identity', key);
  const judge = (invite: JsonObject, content: JsonObject = signed) =>
    authorise(
      member('@a:a', '@b:b', { membership: 'invite', third_party_invite: { signed: content } }),
      (type, stateKey) => {
        if (type === 'm.room.create') return create;
        if (type === 'm.room.member') return stateKey === '@a:a' ? joined : undefined;
        return type === 'm.room.third_party_invite' && stateKey === 't'
          ? event({ type, state_key: 't', content: invite })
          : undefined;
      },
      v11,
    );
  expect(judge({ public_key: key.publicKey })).toBeUndefined();
  expect(judge({ public_keys: [{ public_key: other.publicKey }, { public_key: key.publicKey }] })).toBeUndefined();
  expect(judge({ public_key: other.publicKey })).toContain('not validly signed');
  expect(judge({ public_key: 'nonsense', public_keys: 3 })).toContain('not validly signed');
  expect(judge({ public_key: key.publicKey }, { ...signed, extra: 1 })).toContain('not validly signed');
});

test('power levels have defaults', () => {
  expect(powerOf('@a:a', undefined, create, v11)).toBe(100);
  expect(powerOf('@b:a', undefined, create, v11)).toBe(0);
  expect(powerOf('@a:a', { users: {} }, create, v11)).toBe(0);
  expect(powerOf('@b:a', { users: { '@a:a': 7 }, users_default: 3 }, create, v11)).toBe(3);
  expect(powerOf('@a:a', { users: { '@a:a': 7 } }, create, v12)).toBe(Number.POSITIVE_INFINITY);
  expect(powerOf('@b:a', undefined, create, v12)).toBe(0);
  expect(['invite', 'kick', 'ban', 'redact'].map((name) => powerNeeded(name as 'kick', {}, v11))).toEqual([
    0, 50, 50, 50,
  ]);
  expect(powerNeeded('notifications.room', { notifications: { room: 7 } }, v11)).toBe(7);
  expect(powerNeeded('notifications.room', undefined, v11)).toBe(50);
  expect([requiredPower('x', true, undefined, v11), requiredPower('x', false, undefined, v11)]).toEqual([50, 0]);
  expect(requiredPower('x', true, { events: { x: 9 }, state_default: 8 }, v11)).toBe(9);
  expect([
    requiredPower('y', true, { state_default: 8 }, v11),
    requiredPower('y', false, { events_default: 4 }, v11),
  ]).toEqual([8, 4]);
});

test.each([
  ['10', 10, undefined],
  [' -007 ', -7, undefined],
  ['1.5', undefined, undefined],
  ['', undefined, undefined],
  [null, undefined, undefined],
  [12, 12, 12],
])('the level %j', (value, early, late) => {
  expect(powerLevel(value, version('9'))).toBe(early);
  expect(powerLevel(value, version('10'))).toBe(late);
});

test('a redaction applies by power or among users of one server', () => {
  const target = event({ id: '$t', sender: '@x:b' });
  const redaction = (sender: string) => event({ sender, type: 'm.room.redaction', redacts: '$t' });
  const applies = (sender: string, to = target) =>
    redactionApplies({ event: redaction(sender), state: () => undefined, create, version: v11 }, to);
  expect(applies('@a:a')).toBe(true);
  expect(applies('@y:b')).toBe(true);
  expect(applies('@z:c')).toBe(false);
  expect(applies('@a:a', { ...target, eventId: '$other' })).toBe(false);
  expect(applies('@a:a', { ...target, roomId: '!other:a' })).toBe(false);
});
