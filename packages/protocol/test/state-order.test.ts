import { expect, test } from 'vitest';
import type { AuthEvent } from '../src/events/event.ts';
import { mainlineOrder } from '../src/state/mainline.ts';
import { isPowerEvent, powerOrder } from '../src/state/power-order.ts';
import { resolve, resolveConflicts } from '../src/state/resolve.ts';
import { citedEvent } from '../src/state/source.ts';
import { stateMapKey } from '../src/state/state-map.ts';
import { type FixtureEvent, fixtureEvent } from './support/fixtures.ts';
import { version } from './support/version.ts';

const v11 = version('11');

function graph(fixtures: FixtureEvent[]) {
  const events = new Map<string, AuthEvent>();
  for (const fixture of fixtures) {
    const event = fixtureEvent(fixture, v11);
    events.set(event.eventId, event);
  }
  return (id: string) => events.get(id);
}

const create: FixtureEvent = { id: '$create:a', sender: '@a:a', type: 'm.room.create', state_key: '' };
const levels = (id: string, sender: string, ts: number, auth: string[]): FixtureEvent => ({
  id,
  sender,
  type: 'm.room.power_levels',
  state_key: '',
  content: { users: { '@a:a': 100, '@b:a': 50 } },
  ts,
  auth,
});

test.each([
  [{ type: 'm.room.power_levels', state_key: '' }, true],
  [{ type: 'm.room.join_rules', state_key: '' }, true],
  [{ type: 'm.room.join_rules' }, false],
  [{ type: 'm.room.member', state_key: '@b:a', content: { membership: 'leave' } }, true],
  [{ type: 'm.room.member', state_key: '@b:a', content: { membership: 'ban' } }, true],
  [{ type: 'm.room.member', state_key: '@b:a', content: { membership: 'invite' } }, false],
  [{ type: 'm.room.member', state_key: '@a:a', content: { membership: 'leave' } }, false],
  [{ type: 'm.room.topic', state_key: '' }, false],
])('is %j a power event: %s', (fixture, expected) => {
  expect(isPowerEvent(fixtureEvent({ sender: '@a:a', ...fixture }, v11))).toBe(expected);
});

test('the reverse topological power order sorts by auth events, then by power, then by time, then by id', () => {
  const base = ['$create:a', '$base'];
  const source = graph([
    create,
    levels('$base', '@a:a', 0, ['$create:a']),
    levels('$z-early-weak', '@b:a', 1, base),
    levels('$y-late', '@a:a', 9, base),
    levels('$b-same', '@a:a', 5, base),
    levels('$a-same', '@a:a', 5, base),
    levels('$after', '@a:a', 0, ['$create:a', '$y-late']),
  ]);
  const full = new Set(['$after', '$z-early-weak', '$y-late', '$b-same', '$a-same', '$base']);
  expect(powerOrder(full, source, v11).map(({ eventId }) => eventId)).toEqual([
    '$base',
    '$a-same',
    '$b-same',
    '$y-late',
    '$after',
    '$z-early-weak',
  ]);
});

test('the power order contains only power events and the events of the set that they are based on', () => {
  const member = (id: string, auth: string[]): FixtureEvent => ({
    id,
    sender: '@b:a',
    type: 'm.room.member',
    state_key: '@b:a',
    content: { membership: 'join' },
    auth,
  });
  const source = graph([create, member('$m1', []), member('$m2', []), levels('$p', '@b:a', 0, ['$m1', '$create:a'])]);
  const full = new Set(['$m1', '$m2', '$p']);
  expect(powerOrder(full, source, v11).map(({ eventId }) => eventId)).toEqual(['$m1', '$p']);
});

test('the mainline order sorts by power levels event, then by time, then by id', () => {
  const topic = (id: string, ts: number, auth: string[]): FixtureEvent => ({
    id,
    sender: '@a:a',
    type: 'm.room.topic',
    state_key: '',
    ts,
    auth,
  });
  const source = graph([
    levels('$p1', '@a:a', 0, []),
    levels('$p2', '@a:a', 0, ['$p1']),
    levels('$aside', '@a:a', 0, ['$p1']),
    topic('$new', 0, ['$p2']),
    topic('$aside-topic', 4, ['$aside']),
    topic('$b', 5, ['$p1']),
    topic('$a', 5, ['$p1']),
    topic('$late', 6, ['$p1']),
    topic('$none', 9, []),
  ]);
  const toSort = ['$new', '$late', '$b', '$a', '$aside-topic', '$none']
    .map(source)
    .filter((event) => event !== undefined);
  expect(mainlineOrder(toSort, source('$p2'), source).map(({ eventId }) => eventId)).toEqual([
    '$none',
    '$aside-topic',
    '$a',
    '$b',
    '$late',
    '$new',
  ]);
});

test('a rejected event gives no authority', () => {
  const source = graph([{ ...levels('$p', '@a:a', 0, []), rejected: true }]);
  const event = fixtureEvent({ sender: '@a:a', type: 'x', auth: ['$p'] }, v11);
  expect(citedEvent(event, source, 'm.room.power_levels', '')).toBeUndefined();
});

test('version 1 prefers the event with the lower SHA-1 of its id among events of equal depth', () => {
  const member: FixtureEvent = {
    id: '$m:a',
    sender: '@a:a',
    type: 'm.room.member',
    state_key: '@a:a',
    content: { membership: 'join' },
  };
  const topic = (id: string): FixtureEvent => ({ id, sender: '@a:a', type: 'm.room.topic', state_key: '' });
  const source = graph([{ ...create, content: { creator: '@a:a' } }, member, topic('$T1:a'), topic('$T2:a')]);
  const state = (id: string) =>
    new Map([
      [stateMapKey('m.room.create', ''), '$create:a'],
      [stateMapKey('m.room.member', '@a:a'), '$m:a'],
      [stateMapKey('m.room.topic', ''), id],
    ]);
  // sha1('$T1:a') = c879…, sha1('$T2:a') = 7398….
  const resolved = resolve(version('1'), [state('$T1:a'), state('$T2:a')], source);
  expect(resolved.get(stateMapKey('m.room.topic', ''))).toBe('$T2:a');
});

test('conflicts alone are resolved without reading the rest of the state', () => {
  const topic = (id: string, ts: number): FixtureEvent => ({
    id,
    sender: '@a:a',
    type: 'm.room.topic',
    state_key: '',
    ts,
    auth: ['$create:a', '$m:a'],
  });
  const member: FixtureEvent = {
    id: '$m:a',
    sender: '@a:a',
    type: 'm.room.member',
    state_key: '@a:a',
    content: { membership: 'join' },
    auth: ['$create:a'],
  };
  const source = graph([{ ...create, content: { creator: '@a:a' } }, member, topic('$old', 1), topic('$new', 2)]);
  const key = stateMapKey('m.room.topic', '');
  const settled = new Map([
    [stateMapKey('m.room.create', ''), '$create:a'],
    [stateMapKey('m.room.member', '@a:a'), '$m:a'],
  ]);
  const unconflicted = {
    get: (asked: string) => settled.get(asked),
    values: () => {
      throw new Error('the whole state was read');
    },
  };
  const conflicted = [new Map([[key, '$new']]), new Map([[key, '$old']])];
  expect(resolveConflicts(v11, { unconflicted, conflicted }, source)).toEqual(new Map([[key, '$new']]));
  expect(resolveConflicts(v11, { unconflicted, conflicted: [new Map(), new Map()] }, source)).toEqual(new Map());
});

test('unconflicted entries stay, whatever the auth difference contains for the same key', () => {
  const auth = ['$create:a', '$m:a'];
  const topic = (id: string, ts: number, more: string[]): FixtureEvent => ({
    id,
    sender: '@a:a',
    type: 'm.room.topic',
    state_key: '',
    ts,
    auth: [...auth, ...more],
  });
  const member: FixtureEvent = {
    id: '$m:a',
    sender: '@a:a',
    type: 'm.room.member',
    state_key: '@a:a',
    content: { membership: 'join' },
    auth: ['$create:a'],
  };
  const source = graph([
    { ...create, content: { creator: '@a:a' } },
    member,
    levels('$agreed', '@a:a', 1, auth),
    levels('$aside', '@a:a', 2, auth),
    topic('$t1', 3, ['$agreed']),
    topic('$t2', 4, ['$aside']),
  ]);
  const agreed = ['$create:a', '$m:a', '$agreed'];
  const state = (ids: string[]) =>
    new Map(
      ids
        .map(source)
        .filter((event) => event !== undefined)
        .map((event) => [stateMapKey(event.type, event.stateKey ?? ''), event.eventId]),
    );
  const resolved = resolve(v11, [state([...agreed, '$t1']), state([...agreed, '$t2'])], source);
  // The mainline starts at the power levels of the partially resolved state, on which $t2 is based.
  expect([...resolved.values()].toSorted()).toEqual(['$agreed', '$create:a', '$m:a', '$t2']);
});
