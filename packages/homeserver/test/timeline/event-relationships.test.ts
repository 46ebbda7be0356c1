import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RelationshipQuery } from '../../src/rooms/events/relationship-walk.ts';
import type { Head } from '../../src/rooms/head.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import { addToUnsigned, MODERN_FORMAT } from '../../src/timeline/render/client-form.ts';
import { engines } from '../storage/engines.ts';
import { refusal } from '../support/refusal.ts';
import { openWorld, type Person, textsOf, type World } from '../support/world.ts';

describe.each(engines)('event relationships (MSC2836), on $name', (engine) => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld(engine);
  });
  afterAll(() => world.end());

  const reply = (person: Person, head: Head, parent: StoredEvent, body: string, relType = 'm.reference') =>
    world.say(person, head, { body, 'm.relationship': { rel_type: relType, event_id: parent.eventId } });
  /** A thread: `a` has the children `b`, `c` and `d`, in this order, and `b` has the children `e` and `f`. */
  const thread = async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    const head = await world.room(alice);
    await world.joining.join(head, bob);
    const a = await world.say(alice, head, 'a');
    const [b, c, d] = [
      await reply(bob, head, a, 'b'),
      await reply(alice, head, a, 'c'),
      await reply(alice, head, a, 'd', 'x'),
    ];
    const [e, f] = [await reply(alice, head, b, 'e'), await reply(alice, head, b, 'f')];
    return { alice, bob, head, a, b, c, d, e, f };
  };
  const around = async (person: Person, { eventId }: StoredEvent, query: RelationshipQuery = {}) => {
    const reader = world.readerOf(person);
    const found = await world.relationships.around(reader, { eventId, roomId: undefined }, query);
    return { ...found, texts: textsOf(found.shown.map(({ event }) => event)).join('') };
  };
  const textsAround = async (...args: Parameters<typeof around>) => (await around(...args)).texts;

  test.each([
    [{}, 'adcbfe'],
    [{ recent_first: false }, 'abcdef'],
    [{ depth_first: true }, 'adcbfe'],
    [{ depth_first: true, recent_first: false }, 'abefcd'],
    [{ max_depth: 1 }, 'adcb'],
    [{ max_depth: 0 }, 'a'],
    [{ max_depth: -1, max_breadth: -1, limit: -1 }, 'adcbfe'],
    [{ max_breadth: 1, recent_first: false }, 'abe'],
    [{ direction: 'up' as const }, 'a'],
    [{ direction: 'up' as const, include_children: true, recent_first: false }, 'abcd'],
  ])('a walk from the root with %j visits %s', async (query, expected) => {
    const { bob, a } = await thread();
    expect(await around(bob, a, query)).toMatchObject({ texts: expected, limited: false });
  });

  test('a walk up visits the parents, and a walk down the parent of the first event if it is requested', async () => {
    const { bob, b, e } = await thread();
    expect(await textsAround(bob, e, { direction: 'up' })).toBe('eba');
    expect(await textsAround(bob, b, { include_parent: true })).toBe('bafe');
  });

  test('an answer is limited only if events are left out because of the limit', async () => {
    const { bob, a } = await thread();
    expect(await around(bob, a, { limit: 6 })).toMatchObject({ texts: 'adcbfe', limited: false });
    expect(await around(bob, a, { limit: 5 })).toMatchObject({ texts: 'adcbf', limited: true });
    expect(await around(bob, a, { limit: 0 })).toMatchObject({ texts: 'a', limited: true });
    expect(await around(bob, a, { limit: 1, max_depth: 0 })).toMatchObject({ texts: 'a', limited: false });
  });

  test('events contain the number of their children by type and the hash of their ids', async () => {
    const { bob, a, b, c, d } = await thread();
    const { shown, summaries } = await around(bob, a, { max_depth: 0 });
    const [text = ''] = await world.renderer.render(world.readerOf(bob), shown, MODERN_FORMAT);
    const { unsigned } = JSON.parse(addToUnsigned(text, summaries[0] ?? ''));
    const ids = [b, c, d].map(({ eventId }) => eventId).sort();
    const hash = createHash('sha256').update(ids.join('')).digest('base64').replace(/=+$/, '');
    expect(unsigned).toMatchObject({ children: { 'm.reference': 2, x: 1 }, children_hash: hash });
  });

  test('redacted events and those of ignored users are no children', async () => {
    const { alice, bob, head, a, b } = await thread();
    const ignoring = await world.relationships.around(
      world.readerOf(alice, new Set([bob.user])),
      { eventId: a.eventId, roomId: undefined },
      {},
    );
    expect(textsOf(ignoring.shown.map(({ event }) => event)).join('')).toBe('adc');
    await world.redact(alice, head, b.eventId);
    expect(await textsAround(bob, a)).toBe('adc');
  });

  test('relations that the specification gives an effect count only as m.relates_to', async () => {
    const { alice, bob, head, c } = await thread();
    for (const relType of ['m.replace', 'm.annotation', 'm.thread']) await reply(alice, head, c, 'no', relType);
    const relation = { rel_type: 'm.thread', event_id: c.eventId };
    await world.say(alice, head, { body: 'yes', 'm.relates_to': relation });
    expect(await textsAround(bob, c)).toBe('cyes');
  });

  test('events that the reader may not see are left out, with everything behind them', async () => {
    const { alice, head, a } = await thread();
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'joined' });
    const hidden = await reply(alice, head, a, 'hidden');
    await world.setState(alice, head, 'm.room.history_visibility', { history_visibility: 'shared' });
    const behind = await reply(alice, head, hidden, 'behind');
    const late = await world.person();
    await world.joining.join(head, late);
    expect(await textsAround(late, a)).toBe('adcbfe');
    expect(await textsAround(late, behind, { direction: 'up' })).toBe('behind');
    expect(await refusal(around(late, hidden))).toBe('M_NOT_FOUND');
    expect(await refusal(around(await world.person(), behind))).toBe('M_NOT_FOUND');
  });
});
