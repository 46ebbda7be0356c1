import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseFilter } from '../../src/filters/filter.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { happenings } from '../../src/sync/happenings.ts';
import { legacyMessages } from '../../src/sync/legacy-messages.ts';
import { messagesOnly } from '../../src/sync/messages-only.ts';
import { presentOf } from '../../src/sync/present.ts';
import { prepareFilter } from '../../src/sync/request.ts';
import { type Asked, wholeAnswer } from '../../src/sync/whole-answer.ts';
import { UnreadCounts } from '../../src/unread/unread-counts.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

const RUNS = Number(process.env.HEARTH_TEST_RUNS ?? 100);

const FILTERS = [
  {},
  { room: { state: { lazy_load_members: true } } },
  { room: { timeline: { limit: 2, unread_thread_notifications: true } } },
  { room: { timeline: { not_types: ['com.example.game.score'] } } },
  { event_fields: ['content.body'] },
].map((filter) => prepareFilter(parseFilter(filter)));

/** An action of a user: in most cases a message or a sync. */
const step = fc.record({
  who: fc.nat(2),
  where: fc.nat(1),
  what: fc.oneof(
    { weight: 4, arbitrary: fc.constant('say') },
    { weight: 6, arbitrary: fc.constant('look') },
    { weight: 3, arbitrary: fc.constantFrom('reply', 'mention', 'redact', 'score') },
    { weight: 2, arbitrary: fc.constantFrom('topic', 'rename', 'read', 'type', 'ignore', 'go', 'open', 'close') },
  ),
});

/** How often the short way and the long way were taken. */
interface Taken {
  short: number;
  long: number;
}

describe('the fast path gives the text of the general path', () => {
  let world: World;
  const syncs: Taken = { short: 0, long: 0 };
  const listened: Taken = { short: 0, long: 0 };
  beforeAll(async () => {
    world = await openWorld(sqlite);
  });
  afterAll(() => world.end());

  const asked = (person: Person): Asked => ({ ...person, fullState: false, stateAfter: undefined });

  /** A sync by both ways; for the long one all is counted anew. */
  const look = async (person: Person, since: number, filter: (typeof FILTERS)[number]) => {
    const { rows, upTo } = await presentOf(world, person.user);
    const lazy = filter.lazyMembers ? world.lazyMembers.asked(person.device, since) : undefined;
    const range = { since, upTo, rows, lazy };
    const short = messagesOnly(world, asked(person), filter, range);
    const long = await wholeAnswer({ ...world, unread: new UnreadCounts(world) }, asked(person), filter, range);
    if (short === undefined) syncs.long += 1;
    else {
      syncs.short += 1;
      expect(short).toBe(long);
    }
    // The next look finds what a sync would have left.
    await wholeAnswer(world, asked(person), filter, range);
    if (lazy !== undefined) world.lazyMembers.answered(lazy, upTo);
  };

  /** The stream of the first API by both ways. */
  const listen = async (person: Person, from: number, named: ReadonlySet<number> | undefined) => {
    const rooms = named === undefined ? undefined : { all: named, open: named };
    const window = { from, upTo: world.stream.current, limit: 5 };
    const short = legacyMessages(world, person, rooms, window);
    const long = await happenings(world, person, rooms, window);
    if (short === undefined) listened.long += 1;
    else {
      listened.short += 1;
      expect(short).toEqual(long);
    }
  };

  const act = async (what: string, person: Person, head: Head, said: StoredEvent[]) => {
    const isJoined = head.joined.has(person.user);
    if (!isJoined && what !== 'go') return;
    const last = said.at(-1);
    const root = said.find(({ content }) => content['m.relates_to'] === undefined);
    const other = last?.sender ?? person.userId;
    switch (what) {
      case 'say':
        return world.say(person, head, 'hello');
      case 'mention':
        return world.say(person, head, { msgtype: 'm.text', body: 'you', 'm.mentions': { user_ids: [other] } });
      case 'score':
        return world.say(person, head, { score: 3 }, 'com.example.game.score');
      case 'reply':
        if (root === undefined) return;
        return world.say(person, head, {
          msgtype: 'm.text',
          body: 'reply',
          'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId },
        });
      case 'redact':
        if (last?.sender === person.userId) await world.redact(person, head, last.eventId);
        return;
      case 'topic':
        await world.setState(person, head, 'm.room.topic', { topic: `${world.stream.current}` });
        return;
      case 'rename':
        await world.setState(
          person,
          head,
          'm.room.member',
          { membership: 'join', displayname: `${world.stream.current}` },
          person.userId,
        );
        return;
      case 'read':
        if (last !== undefined) await world.receipts.send(person, head.roomId, 'm.read', last.eventId);
        return;
      case 'type':
        await world.typing.set(person.user, head.roomId, true);
        return;
      case 'ignore':
        await world.accountData.setByClient(
          person.user,
          0,
          'm.ignored_user_list',
          JSON.stringify({ ignored_users: world.stream.current % 3 === 0 ? { [other]: {} } : {} }),
        );
        return;
      case 'open':
      case 'close': {
        const visibility = what === 'open' ? 'world_readable' : 'joined';
        await world.setState(person, head, 'm.room.history_visibility', { history_visibility: visibility });
        return;
      }
      default:
        if (isJoined) await world.joining.leave(head, person);
        else await world.joining.join(head, person);
        return;
    }
  };

  test('users with random actions', async () => {
    const life = fc.array(step, { minLength: 20, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(life, fc.constantFrom(...FILTERS), async (steps, filter) => {
        const people = [await world.person(), await world.person(), await world.person()] as const;
        const stranger = await world.person();
        const [alice, ...others] = people;
        const options = {
          preset: 'public_chat',
          power_level_content_override: { state_default: 0, events: {} },
        } as const;
        const heads = [
          await world.room(alice, options),
          await world.room(alice, { ...options, room_version: '12' }),
        ] as const;
        for (const head of heads) for (const other of others) await world.joining.join(head, other);
        const since = new Map(people.map((person) => [person, world.stream.current]));
        let from = world.stream.current;
        const said: readonly StoredEvent[][] = heads.map(() => []);
        for (const { who, where, what } of steps) {
          const person = people[who];
          const head = heads[where];
          if (person === undefined || head === undefined) throw new Error('no such person or room');
          if (what === 'look') {
            const rooms = where === 0 ? new Set([head.num]) : undefined;
            await look(person, since.get(person) ?? 0, filter);
            await listen(person, since.get(person) ?? 0, rooms);
            await listen(stranger, from, rooms);
            since.set(person, world.stream.current);
            from = world.stream.current;
          } else {
            const event = await act(what, person, head, said[where] ?? []);
            if (event !== undefined) said[where]?.push(event);
          }
        }
      }),
      { numRuns: RUNS },
    );
    // Neither way is forgotten.
    for (const { short, long } of [syncs, listened]) {
      expect(short).toBeGreaterThan(RUNS);
      expect(long).toBeGreaterThan(RUNS);
    }
  });
});
