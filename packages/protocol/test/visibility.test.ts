import { expect, test } from 'vitest';
import { historyVisibility, mayPeek, mayRead, serverMayRead } from '../src/visibility/visibility.ts';

const MEMBERSHIPS = [undefined, 'leave', 'knock', 'ban', 'invite', 'join'] as const;

test.each([
  ['world_readable', false, ['yes', 'yes', 'yes', 'yes', 'yes', 'yes']],
  ['shared', false, ['no', 'no', 'no', 'no', 'no', 'yes']],
  ['shared', true, ['yes', 'yes', 'yes', 'yes', 'yes', 'yes']],
  ['invited', false, ['no', 'no', 'no', 'no', 'yes', 'yes']],
  ['invited', true, ['no', 'no', 'no', 'no', 'yes', 'yes']],
  ['joined', false, ['no', 'no', 'no', 'no', 'no', 'yes']],
  ['joined', true, ['no', 'no', 'no', 'no', 'no', 'yes']],
] as const)('%s, joined later: %s', (visibility, joinedLater, expected) => {
  const read = MEMBERSHIPS.map((membership) => (mayRead({ visibility, membership, joinedLater }) ? 'yes' : 'no'));
  expect(read).toEqual(expected);
});

test('a change of visibility is readable if the old or the new visibility permits it', () => {
  const stranger = { membership: undefined, joinedLater: false };
  expect(mayRead({ ...stranger, visibility: 'world_readable', visibilityAfter: 'joined' })).toBe(true);
  expect(mayRead({ ...stranger, visibility: 'joined', visibilityAfter: 'world_readable' })).toBe(true);
  expect(mayRead({ ...stranger, visibility: 'joined', visibilityAfter: 'shared' })).toBe(false);
});

test('a user’s own member event is readable if the old or the new membership permits it', () => {
  const question = { visibility: 'joined', joinedLater: false } as const;
  expect(mayRead({ ...question, membership: 'invite', membershipAfter: 'join' })).toBe(true);
  expect(mayRead({ ...question, membership: 'join', membershipAfter: 'ban' })).toBe(true);
  expect(mayRead({ ...question, membership: 'invite', membershipAfter: 'leave' })).toBe(false);
  expect(mayRead({ ...question, visibility: 'invited', membership: 'leave', membershipAfter: 'invite' })).toBe(true);
});

test('an unknown visibility counts as shared', () => {
  expect(['world_readable', 'shared', 'invited', 'joined', 'x', undefined, 1].map(historyVisibility)).toEqual([
    'world_readable',
    'shared',
    'invited',
    'joined',
    'shared',
    'shared',
    'shared',
  ]);
  expect([mayPeek('world_readable'), mayPeek('shared')]).toEqual([true, false]);
});

test('a server may receive events that one of its users may read', () => {
  expect(serverMayRead('shared', [])).toBe(true);
  expect(serverMayRead('invited', ['leave', 'invite'])).toBe(true);
  expect(serverMayRead('joined', ['leave', 'invite'])).toBe(false);
  expect(serverMayRead('joined', ['leave', 'join'])).toBe(true);
});
