import fc from 'fast-check';
import { expect, test } from 'vitest';
import { authEventKeys } from '../src/auth/auth-events.ts';
import { authorise } from '../src/auth/authorise.ts';
import type { AuthEvent } from '../src/events/event.ts';
import type { JsonObject } from '../src/json/value.ts';
import type { RoomVersion } from '../src/room-versions/rules.ts';
import { authDifference } from '../src/state/auth-difference.ts';
import { resolve } from '../src/state/resolve.ts';
import { conflictedSet, splitStates } from '../src/state/split.ts';
import { type StateMap, stateMapKey } from '../src/state/state-map.ts';
import { fixtureEvent } from './support/fixtures.ts';
import { version } from './support/version.ts';

const USERS = ['@a:a', '@b:a', '@c:a'];
const user = fc.constantFrom(...USERS);

/** A public room with three members, so that most later events are allowed. */
const OPENING = [
  { sender: '@a:a', type: 'm.room.member', key: '@a:a', content: { membership: 'join' } },
  { sender: '@a:a', type: 'm.room.join_rules', key: '', content: { join_rule: 'public' } },
  { sender: '@b:a', type: 'm.room.member', key: '@b:a', content: { membership: 'join' } },
  { sender: '@c:a', type: 'm.room.member', key: '@c:a', content: { membership: 'join' } },
];

/** A step of a room's history: the sender, the action, the preceding events (counted from the last) and the time. */
const step = fc.record({
  sender: user,
  after: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
  ts: fc.nat(3),
  doing: fc.oneof(
    fc.record({ type: fc.constant('m.room.topic'), key: fc.constant('') }),
    fc.record({
      type: fc.constant('m.room.member'),
      key: user,
      membership: fc.constantFrom('join', 'leave', 'ban', 'invite'),
    }),
    fc.record({
      type: fc.constant('m.room.join_rules'),
      key: fc.constant(''),
      join_rule: fc.constantFrom('public', 'invite'),
    }),
    fc.record({
      type: fc.constant('m.room.power_levels'),
      key: fc.constant(''),
      users: fc.dictionary(user, fc.constantFrom(0, 50, 100)),
    }),
  ),
});

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Room {
  events: Map<string, AuthEvent>;
  after: Map<string, StateMap>;
}

/**
 * Builds a room from a history. Each event is authorised against the state before it, and left out when it is rejected.
 */
function play(steps: readonly Step[], rules: RoomVersion): Room {
  const room: Room = { events: new Map(), after: new Map() };
  add(room, rules, { sender: '@a:a', type: 'm.room.create', key: '', content: { creator: '@a:a' }, ts: 0 }, []);
  let last = '$create:a';
  for (const { sender, type, key, content } of OPENING) {
    add(room, rules, { sender, type, key, content, ts: 0 }, [last]);
    last = [...room.events.keys()].at(-1) ?? last;
  }
  for (const { sender, after, ts, doing } of steps) {
    const ids = [...room.events.keys()];
    const previous = after.map((back) => ids.at(-1 - back)).filter((id) => id !== undefined);
    const { type, key, ...content } = doing;
    add(room, rules, { sender, type, key, content, ts }, previous);
  }
  return room;
}

interface Draft {
  sender: string;
  type: string;
  key: string;
  content: JsonObject;
  ts: number;
}

function add(room: Room, rules: RoomVersion, { sender, type, key, content, ts }: Draft, prev: string[]): void {
  const source = (id: string) => room.events.get(id);
  const before = resolve(
    rules,
    prev.map((id) => room.after.get(id) ?? new Map()),
    source,
  );
  const id = room.events.size === 0 ? '$create:a' : `$e${room.events.size}:a`;
  const draft = fixtureEvent({ id, sender, type, state_key: key, content, ts, prev }, rules, room.events.size);
  const authEvents = authEventKeys(draft, rules)
    .map(([authType, authKey]) => before.get(stateMapKey(authType, authKey)))
    .filter((authEvent) => authEvent !== undefined);
  const lookup = (authType: string, authKey: string) => source(before.get(stateMapKey(authType, authKey)) ?? '');
  const event = { ...draft, authEvents };
  if (authorise(event, lookup, rules) !== undefined) return;
  room.events.set(id, event);
  room.after.set(id, new Map(before).set(stateMapKey(type, key), id));
}

const sorted = (state: StateMap) => [...state].map(([key, id]) => `${key}=${id}`).sort();

test.each(['1', '2', '6', '11', '12'])('version %s: the result does not depend on the order of the states', (id) => {
  const rules = version(id);
  const heads = fc.array(fc.nat(7), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), heads, (steps, backs) => {
      const room = play(steps, rules);
      const ids = [...room.events.keys()];
      const states = backs.map((back) => room.after.get(ids.at(-1 - (back % ids.length)) ?? '') ?? new Map());
      const source = (eventId: string) => room.events.get(eventId);
      const resolved = sorted(resolve(rules, states, source));
      expect(sorted(resolve(rules, states.toReversed(), source))).toEqual(resolved);
      expect(sorted(resolve(rules, [...states, ...states], source))).toEqual(resolved);
      const entriesReversed = states.map((state) => new Map([...state].toReversed()));
      expect(sorted(resolve(rules, entriesReversed, source))).toEqual(resolved);
    }),
    { numRuns: 150 },
  );
});

test('the auth difference equals its definition, except for conflicted events', () => {
  const rules = version('11');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const room = play(steps, rules);
      const source = (eventId: string) => room.events.get(eventId);
      const states = [...room.after.values()].slice(-3);
      const chain = (eventId: string): string[] => [eventId, ...(source(eventId)?.authEvents ?? []).flatMap(chain)];
      const chains = states.map((state) => new Set([...state.values()].flatMap(chain)));
      const all = new Set(chains.flatMap((each) => [...each]));
      const split = splitStates(states);
      const conflicted = conflictedSet(split);
      const expected = [...all].filter((id) => !conflicted.has(id) && !chains.every((each) => each.has(id)));
      expect([...authDifference(split, conflicted, source)].sort()).toEqual(expected.sort());
    }),
    { numRuns: 100 },
  );
});
