import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EVERYTHING } from '../../src/filters/filter.ts';
import { Cancellation } from '../../src/platform/concurrency/cancellation.ts';
import { concat, deferred, joined, LongText, type Text, wholeText } from '../../src/platform/long-text.ts';
import type { Head } from '../../src/rooms/head.ts';
import { renderRooms, roomSlices } from '../../src/sync/render/room-batches.ts';
import { MODERN_FORMAT } from '../../src/timeline/render/client-form.ts';
import { loadedTogether } from '../../src/timeline/render/state-text.ts';
import { sqlite } from '../storage/engines.ts';
import { openWorld, type Person, type World } from '../support/world.ts';

const STATE_EVENTS = 2_500;

describe('answers about a room with thousands of state events', () => {
  let world: World;
  let alice: Person;
  let head: Head;
  beforeAll(async () => {
    world = await openWorld(sqlite);
    alice = await world.person();
    head = await world.room(alice);
    const drafts = Array.from({ length: STATE_EVENTS }, (_, i) => ({
      type: 'com.example.large',
      stateKey: `${i}`,
      sender: alice.userId,
      content: { i },
    }));
    await world.acceptor.accept(head, drafts);
  });
  afterAll(() => world.end());

  const request = () => ({
    ...alice,
    since: undefined,
    filter: EVERYTHING,
    fullState: false,
    stateAfter: undefined,
    presence: 'offline' as const,
    timeoutMs: 0,
    cancellation: () => new Cancellation(),
  });
  /** Returns the state in an answer, and checks that it is rendered while it is written. */
  const parsed = async (text: Text) => {
    expect(text).toBeInstanceOf(LongText);
    return JSON.parse(await wholeText(text)) as JsonObject;
  };
  const numbersIn = (state: unknown) =>
    new Set(
      (state as { type: string; content: { i: number } }[])
        .filter(({ type }) => type === 'com.example.large')
        .map(({ content }) => content.i),
    ).size;

  test('/sync contains all of it', async () => {
    const { rooms } = (await parsed(await world.sync.respond(request()))) as unknown as {
      rooms: { join: Record<string, { state: { events: JsonObject[] }; timeline: { events: JsonObject[] } }> };
    };
    const room = rooms.join[head.roomId];
    expect(numbersIn([...(room?.state.events ?? []), ...(room?.timeline.events ?? [])])).toBe(STATE_EVENTS);
  });

  test('/sync applies the state filter to it', async () => {
    const filter = { ...EVERYTHING, room: { ...EVERYTHING.room, state: { types: ['m.room.create'] } } };
    const text = await wholeText(await world.sync.respond({ ...request(), filter }));
    const { rooms } = JSON.parse(text) as { rooms: { join: Record<string, { state: { events: JsonObject[] } }> } };
    expect(rooms.join[head.roomId]?.state.events.map(({ type }) => type)).toEqual(['m.room.create']);
  });

  test('/initialSync, /rooms/{roomId}/initialSync and /context contain all of it', async () => {
    const all = (await parsed(await world.initialSync.respond({ ...alice, limit: 1, archived: false }))) as unknown as {
      rooms: { state: unknown }[];
    };
    expect(numbersIn(all.rooms[0]?.state)).toBe(STATE_EVENTS);
    const one = await parsed(
      await world.roomInitialSync.respond({ ...alice, roomId: head.roomId, servers: [], limit: 1 }),
    );
    expect(numbersIn(one.state)).toBe(STATE_EVENTS);
    const access = await world.readers.access(head.roomId, alice.user);
    const target = await world.say(alice, head, 'here');
    const query = { limit: 0, filter: undefined };
    const { state } = await world.contexts.around(world.readerOf(alice), access, target.eventId, query);
    const text = await world.stateTexts.text(world.readerOf(alice), state, { format: MODERN_FORMAT });
    expect(numbersIn(JSON.parse(await wholeText(concat('[', text, ']'))))).toBe(STATE_EVENTS);
  });
});

test('the states of many rooms are loaded separately while the answer is written', () => {
  const list = (length: number) => Array.from({ length }, (_, i) => i);
  expect(loadedTogether([list(1_000), list(1_001), list(1_000)])).toEqual([true, false, true]);
  expect(loadedTogether(Array.from({ length: 8 }, () => list(900)))).toEqual([
    ...Array(2).fill(true),
    ...Array(6).fill(false),
  ]);
});

describe('long text', () => {
  test('is joined in order, whatever its parts', async () => {
    const later = (text: string) =>
      deferred(async function* () {
        yield text;
      });
    const text = concat('a', joined(['b', later('c'), concat('d', later('e'))], ','), 'f');
    expect(text).toBeInstanceOf(LongText);
    expect(await wholeText(text)).toBe('ab,c,def');
    expect(concat('a', 'b')).toBe('ab');
    expect(joined([], ',')).toBe('');
  });

  test('yields to the event loop between rooms without a text', async () => {
    let turns = 0;
    setImmediate(() => {
      turns += 1;
    });
    const seen: number[] = [];
    const rooms = Array.from({ length: 100 }, (_, i) => i);
    const render = async () => {
      seen.push(turns);
      return [];
    };
    expect(
      await renderRooms(
        roomSlices(rooms, () => 1),
        render,
      ),
    ).toBe('');
    expect(seen).toEqual([0, 1]);
  });

  test('renders the rooms after the first 16 MB while the answer is written', async () => {
    let rendered = 0;
    const rooms = Array.from({ length: 400 }, (_, i) => i);
    const text = await renderRooms(
      roomSlices(rooms, () => 1),
      async (some) => {
        rendered += some.length;
        // Every other batch has no text.
        return (some[0] ?? 0) % 100 === 0 ? some.map((i) => `"${i}${'x'.repeat(200_000)}"`) : [];
      },
    );
    expect(rendered).toBeLessThan(300);
    const numbers: number[] = [];
    let whole = '';
    if (typeof text === 'string') whole = text;
    else for await (const part of text) whole += part.replaceAll('x', '');
    for (const each of JSON.parse(`[${whole}]`) as string[]) numbers.push(Number.parseInt(each, 10));
    expect(rendered).toBe(400);
    expect(numbers).toEqual(rooms.filter((i) => i % 100 < 50));
  });
});
