import { describe, expect, test, vi } from 'vitest';
import { fieldPaths, selectFields } from '../src/filters/event-fields.ts';
import { parseFilter, parseFilterText } from '../src/filters/filter.ts';
import { Filters } from '../src/filters/filters.ts';
import { matcherOf, matches, roomTest } from '../src/filters/matching.ts';
import { engines } from './storage/engines.ts';
import { openDomain } from './support/domain.ts';
import { refusal } from './support/refusal.ts';

describe('a filter', () => {
  test.each([
    { presence: 'not an object' },
    { room: { timeline: 'not an object' } },
    { room: { not_rooms: ['no room id'] } },
    { room: { timeline: { senders: ['no user id'] } } },
    { room: { state: { limit: -1 } } },
    { room: { state: { limit: 1.5 } } },
    { event_format: 'other' },
    { event_fields: 'type' },
    { room: [] },
    'a text',
    null,
  ])('is refused when it does not fit the schema: %j', (json) => {
    expect(() => parseFilter(json)).toThrowError(expect.objectContaining({ errcode: 'M_BAD_JSON' }));
  });

  test('may have unknown members', () => {
    expect(parseFilterText('{"org.example":1,"room":{"timeline":{"limit":0}}}')).toEqual({
      room: { timeline: { limit: 0 } },
    });
    expect(() => parseFilterText('{"room":')).toThrowError(expect.objectContaining({ errcode: 'M_NOT_JSON' }));
  });

  test('accepts events that it lists and does not exclude', () => {
    const matcher = matcherOf({ types: ['m.room.*', 'a*b*c'], not_types: ['m.room.mess*'], not_senders: ['@spam:x'] });
    const passes = (type: string, sender = '@me:x') => matches(matcher, type, sender, () => false);
    expect(passes('m.room.name')).toBe(true);
    expect(passes('m.room.message')).toBe(false);
    expect(passes('m.room.name', '@spam:x')).toBe(false);
    expect(passes('abc')).toBe(true);
    expect(passes('axxbxxbc')).toBe(true);
    expect(passes('ab')).toBe(false);
    expect(passes('acb')).toBe(false);
  });

  test('is known to accept nothing if its lists are empty', () => {
    expect(matcherOf({ types: [] }).nothing).toBe(true);
    expect(matcherOf({ limit: 0 }).nothing).toBe(true);
    expect(matcherOf(undefined)).toMatchObject({ nothing: false, type: undefined });
    expect(matches(matcherOf({ contains_url: false }), 't', '@a:x', () => true)).toBe(false);
    expect(roomTest({ rooms: ['!a:x', '!b:x'], not_rooms: ['!b:x'] })?.('!b:x')).toBe(false);
  });

  test('selects fields, also those with a dot in their name', () => {
    const event = { type: 't', content: { body: 'b', 'a.b': 1, other: 2 } };
    expect(selectFields(event, fieldPaths(['type', 'content.body', 'content.a\\.b', 'content.none.deep']))).toEqual({
      type: 't',
      content: { body: 'b', 'a.b': 1 },
    });
  });
});

test.each(engines)(
  'equal stored filters have the same id, and the oldest are removed ($name)',
  async (engine) => {
    const { database, clock, end } = await openDomain(engine);
    const filters = new Filters(database, clock, 3);
    const id = await filters.define(7, { room: { timeline: { limit: 3 } } });
    expect(await filters.define(7, { room: { timeline: { limit: 3 } } })).toBe(id);
    expect(await filters.resolve(7, id)).toEqual({ room: { timeline: { limit: 3 } } });
    const query = vi.spyOn(database, 'first');
    await filters.resolve(7, id);
    expect(query).not.toHaveBeenCalled();
    query.mockRestore();
    expect(await refusal(filters.text(8, id))).toBe('M_NOT_FOUND');
    for (let i = 0; i < 3; i++) {
      await clock.pass(1);
      await filters.define(7, { room: { timeline: { limit: 10 + i } } });
    }
    expect(await refusal(filters.text(7, id))).toBe('M_NOT_FOUND');
    await end();
  },
  60_000,
);
