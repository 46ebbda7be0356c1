import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GLOBAL } from '../src/account-data/user-data.ts';
import { EVERYTHING } from '../src/filters/filter.ts';
import { Cancellation } from '../src/platform/concurrency/cancellation.ts';
import { wholeText } from '../src/platform/long-text.ts';
import { engines } from './storage/engines.ts';
import { refusal } from './support/refusal.ts';
import { openWorld, type Person, reopenWorld, type World } from './support/world.ts';

interface Section {
  readonly account_data?: { readonly events: { readonly type: string; readonly content: unknown }[] };
}

const TYPE = 'org.example.deleted';

describe.each(engines)('deletion of account data (MSC3391), on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  /** Returns the token and the contents of the type in a `/sync` answer: in the room, or outside of rooms. */
  async function syncOf({ sync }: Pick<World, 'sync'>, person: Person, roomId: string | undefined, since?: number) {
    const text = await sync.respond({
      ...person,
      since,
      filter: EVERYTHING,
      fullState: false,
      stateAfter: undefined,
      presence: 'offline',
      timeoutMs: 0,
      cancellation: () => new Cancellation(),
    });
    const answer = JSON.parse(await wholeText(text)) as Section & { rooms?: { join?: Record<string, Section> } };
    const section = roomId === undefined ? answer : answer.rooms?.join?.[roomId];
    const events = section?.account_data?.events ?? [];
    return events.filter(({ type }) => type === TYPE).map(({ content }) => content);
  }

  async function prepare(isGlobal: boolean) {
    const person = await world.person();
    const head = await world.room(person);
    const [room, roomId] = isGlobal ? [GLOBAL, undefined] : [head.num, head.roomId];
    const { accountData } = world;
    return {
      person,
      room,
      roomId,
      head,
      put: (content: string) => accountData.setByClient(person.user, room, TYPE, content),
      remove: () => accountData.deleteByClient(person.user, room, TYPE),
      get: () => refusal(accountData.content(person.user, room, TYPE)),
    };
  }

  const places = [{ isGlobal: true }, { isGlobal: false }];
  const means = ['DELETE', 'PUT of {}'];
  const cases = places.flatMap((place) => means.map((by) => ({ ...place, by })));

  test.each(cases)(
    'clients with older tokens get it as {}, others do not get it: $by, global: $isGlobal',
    async (one) => {
      const { person, room, roomId, put, remove, get } = await prepare(one.isGlobal);
      await put('{"a":1}');
      const before = world.stream.current;
      await (one.by === 'DELETE' ? remove() : put('{}'));
      const after = world.stream.current;
      expect(await get()).toBe('M_NOT_FOUND');
      for (const opened of [world, await reopenWorld(world)]) {
        expect(await syncOf(opened, person, roomId, before)).toEqual([{}]);
        expect(await syncOf(opened, person, roomId, after)).toEqual([]);
        expect(await syncOf(opened, person, roomId)).toEqual([]);
        expect(await refusal(opened.accountData.content(person.user, room, TYPE))).toBe('M_NOT_FOUND');
      }
      await put('{"a":2}');
      expect(await get()).toBe('no refusal');
      expect(await syncOf(world, person, roomId)).toEqual([{ a: 2 }]);
    },
  );

  test('a deletion of data that do not exist is not announced', async () => {
    const { person, remove, put } = await prepare(true);
    await remove();
    await put('{"a":1}');
    await remove();
    const after = world.stream.current;
    await remove();
    expect(await syncOf(world, person, undefined, after)).toEqual([]);
  });

  test('a client that joins a room again gets the deletions since its token', async () => {
    const { person, roomId, head, put, remove } = await prepare(false);
    await put('{"a":1}');
    const before = world.stream.current;
    await world.joining.leave(head, person);
    await remove();
    await world.joining.join(head, person);
    expect(await syncOf(world, person, roomId, before)).toEqual([{}]);
  });

  test('concurrent changes and deletions leave the same data in the cache and in the database', async () => {
    const { person, room, put, remove } = await prepare(true);
    await put('{"a":0}');
    for (let i = 1; i <= 5; i += 1) {
      await Promise.all([put(`{"a":${i}}`), remove(), put('{}'), remove(), put(`{"b":${i}}`)].toSorted(() => i % 2));
      const cached = (await world.accountData.of(person.user)).latest(room, TYPE);
      const stored = (await (await reopenWorld(world)).accountData.of(person.user)).latest(room, TYPE);
      expect(stored).toEqual(cached);
    }
  });

  test('types that belong to the server cannot be deleted', async () => {
    const { user } = await world.person();
    const { accountData } = world;
    expect(await refusal(accountData.deleteByClient(user, GLOBAL, 'm.push_rules'))).toBe('M_BAD_JSON');
    expect(await refusal(accountData.deleteByClient(user, GLOBAL, 'm.fully_read'))).toBe('M_BAD_JSON');
  });
});
