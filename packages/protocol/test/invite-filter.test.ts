import { expect, test } from 'vitest';
import { compileInviteFilter } from '../src/invites/invite-filter.ts';

const BOB = '@bob:remote.example:8448';

test.each([
  ['an empty configuration', {}, 'allow'],
  ['null lists', { blocked_users: null, ignored_servers: null }, 'allow'],
  ['malformed lists', { blocked_users: { [BOB]: {} }, ignored_users: [3, null], blocked_servers: '*' }, 'allow'],
  ['an ignored user', { ignored_users: [BOB] }, 'ignore'],
  ['a blocked user', { blocked_users: [BOB] }, 'block'],
  ['another blocked user', { blocked_users: ['@bob:other.example', '@bobby*'] }, 'allow'],
  ['a pattern of users', { blocked_users: ['@b?b:*'] }, 'block'],
  ['an ignored server', { ignored_servers: ['remote.example:8448'] }, 'ignore'],
  ['a pattern of servers', { blocked_servers: ['*.EXAMPLE:*'] }, 'block'],
  ['a pattern that matches only a part', { blocked_servers: ['example*'] }, 'allow'],
  ['an allowed user of a blocked server', { allowed_users: [BOB], blocked_servers: ['*'] }, 'allow'],
  ['a blocked user of an allowed server', { blocked_users: [BOB], allowed_servers: ['*'] }, 'block'],
  ['a user in all lists', { blocked_users: [BOB], ignored_users: [BOB], allowed_users: [BOB] }, 'allow'],
  ['a user who is ignored and blocked', { blocked_users: [BOB], ignored_users: [BOB] }, 'ignore'],
  ['a server that is ignored and blocked', { blocked_servers: ['*'], ignored_servers: ['remote*'] }, 'ignore'],
  ['a pattern that is too long', { blocked_users: ['*'.repeat(300)] }, 'allow'],
])('evaluates %s', (_, content, action) => {
  expect(compileInviteFilter(content)(BOB)).toBe(action);
});

test('evaluates only the first entries of a long list', () => {
  const others = Array.from({ length: 5_000 }, (_, i) => `@other${i}:x`);
  expect(compileInviteFilter({ blocked_users: [...others, BOB] })(BOB)).toBe('allow');
  expect(compileInviteFilter({ blocked_users: [BOB, ...others] })(BOB)).toBe('block');
});
