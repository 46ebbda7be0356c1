import fc from 'fast-check';
import { expect, test } from 'vitest';
import { authorise } from '../src/auth/authorise.ts';
import { parsePdu } from '../src/events/shape.ts';
import type { JsonObject } from '../src/json/value.ts';
import { type FixtureEvent, fixtureEvent } from './support/fixtures.ts';
import { version } from './support/version.ts';

/** Users of which one's id is a prefix of another's, and one's localpart contains the id of another. */
const USERS = ['@a:a', '@a:a.b', '@a:a:1', '@a_b:a', '@a_@a:a', '@:a', '@é:[::1]'];
const OWNED = ['org.matrix.msc3757.10', 'org.matrix.msc3757.11'];
const user = fc.constantFrom(...USERS);
const versionId = fc.constantFrom(...OWNED);

interface Attempt {
  readonly sender: string;
  readonly stateKey: string;
  readonly versionId: string;
  /** The power of each user who has more than 0. */
  readonly powers?: Record<string, number>;
  readonly type?: string;
}

/** Returns the reason for refusing a state event in a room in which everybody may send the type `x`. */
function refusalOf({ sender, stateKey, versionId, powers = {}, type = 'x' }: Attempt): string | undefined {
  const rules = version(versionId);
  const event = (fixture: FixtureEvent) => fixtureEvent(fixture, rules);
  const state = (stateType: string, key: string) => {
    if (stateType === 'm.room.create')
      return event({ id: '$create:a', sender: '@a:a', type: stateType, state_key: '', content: { creator: '@a:a' } });
    if (stateType === 'm.room.power_levels')
      return event({ sender: '@a:a', type: stateType, state_key: '', content: { users: powers, events: { x: 0 } } });
    return stateType === 'm.room.member'
      ? event({ sender: key, type: stateType, state_key: key, content: { membership: 'join' } })
      : undefined;
  };
  return authorise(event({ sender, type, state_key: stateKey }), state, rules);
}

test('the owner and only users with more power may write a state key', () => {
  const suffix = fc.oneof(
    fc.constant(''),
    fc.string({ unit: 'binary', maxLength: 12 }).map((text) => `_${text}`),
  );
  const powers = fc.dictionary(user, fc.nat(3));
  fc.assert(
    fc.property(user, user, suffix, powers, versionId, (owner, sender, after, users, id) => {
      const mayWrite = sender === owner || (users[sender] ?? 0) > (users[owner] ?? 0);
      const reason = refusalOf({ sender, stateKey: `${owner}${after}`, versionId: id, powers: users });
      expect(reason).toBe(mayWrite ? undefined : 'the state_key belongs to a user whose power is not lower');
    }),
  );
});

test('a user without power may write exactly the keys without @, the own user id and those after it and an underscore', () => {
  const fragment = fc.constantFrom(...USERS, '@', ':', '_', 'a', '.', '1');
  const key = fc.array(fragment, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(user, key, versionId, (sender, stateKey, id) => {
      const mayWrite = !stateKey.startsWith('@') || stateKey === sender || stateKey.startsWith(`${sender}_`);
      expect(refusalOf({ sender, stateKey, versionId: id }) === undefined).toBe(mayWrite);
    }),
    { numRuns: 1000 },
  );
});

test.each(OWNED)('%s: keys that begin with @ and without a user id are refused whatever the power', (id) => {
  for (const stateKey of ['@', '@oops', '@oops_x', '@a:', '@a:_x', '@a:a@x', '@a:a,x_y', `@${'x'.repeat(253)}:a_y`]) {
    const reason = refusalOf({ sender: '@a:a', stateKey, versionId: id, powers: { '@a:a': 100 } });
    expect(reason, stateKey).toContain('not with a user id');
  }
});

test.each(OWNED)('%s: the power to send the type is required for own keys too', (id) => {
  const own = { sender: '@a:a', stateKey: '@a:a_x', versionId: id, type: 'm.room.topic' };
  expect(refusalOf(own)).toContain('lacks the level 50');
  expect(refusalOf({ ...own, powers: { '@a:a': 50 } })).toBeUndefined();
});

test.each(OWNED)('%s: the size of a key is limited without the user id that it begins with', (id) => {
  const longUser = `@${'é'.repeat(126)}:a`;
  const refusal = (stateKey: string) => refusalOf({ sender: longUser, stateKey, versionId: id });
  expect(Buffer.byteLength(longUser)).toBe(255);
  expect(refusal(`${longUser}_${'x'.repeat(255)}`)).toBeUndefined();
  expect(refusal(`${longUser}_${'x'.repeat(256)}`)).toContain('longer than 256 bytes after the user id');
  expect(refusal(`${longUser}_é${'x'.repeat(254)}`)).toContain('longer than 256 bytes after the user id');
  expect(refusal('x'.repeat(255))).toBeUndefined();
  expect(refusal(`é${'x'.repeat(254)}`)).toContain('longer than 255 bytes');
});

test('without owned state a key that begins with @ is that of the sender or refused', () => {
  for (const id of ['10', '11', '12']) {
    const refusal = (stateKey: string) =>
      refusalOf({ sender: '@a:a', stateKey, versionId: id, powers: { '@a:a': 100 } });
    expect(refusal('@a:a')).toBeUndefined();
    for (const stateKey of ['@a:a_x', '@b:a', '@oops']) expect(refusal(stateKey)).toBe('the state_key is another user');
  }
});

test.each([
  ['10', 255, 'code points'],
  ['11', 255, 'bytes'],
  ['org.matrix.msc3757.10', 511, 'code points'],
  ['org.matrix.msc3757.11', 511, 'bytes'],
])('version %s: a received event has a state key of at most %i %s', (id, max, unit) => {
  const ofKey = (stateKey: string): JsonObject => ({
    type: 'x',
    state_key: stateKey,
    sender: '@a:a',
    room_id: '!r:a',
    content: {},
    depth: 1,
    origin_server_ts: 1,
    prev_events: [],
    auth_events: [],
    hashes: { sha256: 'x' },
    signatures: {},
  });
  const letter = unit === 'bytes' ? 'x' : 'é';
  expect(parsePdu(ofKey(letter.repeat(max)), version(id)).refusal).toBeUndefined();
  expect(parsePdu(ofKey(letter.repeat(max + 1)), version(id)).refusal).toBe(`state_key is longer than ${max} ${unit}`);
  expect(parsePdu({ ...ofKey(''), type: 'x'.repeat(256) }, version(id)).refusal).toContain('type is longer than 255');
});
