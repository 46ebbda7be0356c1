import { asArray, asObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFilter } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../../src/platform/long-text.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { SyncRequest } from '../../src/sync/sync.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

const FILTERS: readonly JsonValue[] = [
  {},
  { room: { include_leave: true } },
  { room: { include_leave: true, state: { lazy_load_members: true } } },
  { room: { timeline: { limit: 0 } } },
];

describe('rooms.leave of /sync', () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const left = async (person: Person, head: Head, filter: JsonValue, more: Partial<SyncRequest>) => {
    const text = await world.sync.respond({
      ...person,
      since: undefined,
      filter: parseFilter(filter),
      fullState: false,
      stateAfter: undefined,
      presence: 'offline',
      timeoutMs: 0,
      cancellation: () => new Cancellation(),
      ...more,
    });
    const reply = JSON.parse(await wholeText(text)) as JsonObject;
    const room = asObject(asObject(asObject(reply.rooms)?.leave)?.[head.roomId]);
    const events = (name: string) => (asArray(asObject(room?.[name])?.events) ?? []) as JsonObject[];
    const timeline = asObject(room?.timeline);
    return { room, timeline, shown: events('timeline'), state: [...events('state'), ...events('state_after')] };
  };

  const outside: [string, (head: Head, alice: Person, bob: Person) => Promise<unknown>][] = [
    ['banned without having joined', (head, alice, bob) => world.joining.ban(head, alice, bob.userId)],
    [
      'whose invitation was withdrawn',
      async (head, alice, bob) => {
        await world.joining.invite(head, alice, bob.userId);
        await world.joining.kick(head, alice, bob.userId);
      },
    ],
    [
      'who rejected an invitation',
      async (head, alice, bob) => {
        await world.joining.invite(head, alice, bob.userId);
        await world.joining.leave(head, bob);
      },
    ],
    [
      'who retracted a knock',
      async (head, alice, bob) => {
        await world.setState(alice, head, 'm.room.join_rules', { join_rule: 'knock' });
        await world.joining.knock(head, bob);
        await world.joining.leave(head, bob);
      },
    ],
  ];
  test.each(outside)('contains only own member events for a user %s', async (_name, act) => {
    for (const filter of FILTERS) {
      for (const stateAfter of [undefined, 'state_after'] as const) {
        const [alice, bob] = [await world.person(), await world.person()];
        const head = await world.room(alice, { preset: 'public_chat', name: 'secret' });
        const since = world.stream.current;
        await act(head, alice, bob);
        for (const from of [since, undefined]) {
          const { shown, state } = await left(bob, head, filter, { since: from, stateAfter });
          const others = [...shown, ...state].filter(({ state_key }) => state_key !== bob.userId);
          expect(others).toEqual([]);
          if (from !== undefined) expect([...shown, ...state].length).toBeGreaterThan(0);
        }
      }
    }
  });

  test('contains the events that a user could see who joined and left since the token', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    const since = world.stream.current;
    await world.joining.join(head, bob);
    for (let i = 0; i < 15; i++) await world.say(alice, head, `${i}`);
    await world.joining.leave(head, bob);
    await world.say(alice, head, 'afterwards');
    const { timeline, shown, state } = await left(bob, head, {}, { since });
    expect(shown.map(({ type }) => type)).toEqual([...Array(9).fill('m.room.message'), 'm.room.member']);
    expect(timeline?.limited).toBe(true);
    expect(state.map(({ type }) => type)).toContain('m.room.create');
  });

  test('contains the state at the departure although the user has rejected an invitation since', async () => {
    for (const stateAfter of [undefined, 'state_after'] as const) {
      for (const limit of [1, 10]) {
        const [alice, bob] = [await world.person(), await world.person()];
        const head = await world.room(alice, { preset: 'public_chat', name: 'as it was' });
        await world.joining.join(head, bob);
        const since = world.stream.current;
        await world.joining.leave(head, bob);
        await world.setState(alice, head, 'm.room.name', { name: 'secret' });
        await world.joining.invite(head, alice, bob.userId);
        await world.joining.leave(head, bob);
        const { shown, state } = await left(bob, head, { room: { timeline: { limit } } }, { since, stateAfter });
        expect(JSON.stringify([shown, state])).not.toContain('secret');
        expect(shown.at(-1)).toMatchObject({ type: 'm.room.member', content: { membership: 'leave' } });
      }
    }
  });
});
