import { describe, expect, test } from 'vitest';
import { PathTree } from '../../src/http/path-tree.ts';

const tree = new PathTree<string>();
tree.add('GET', '/rooms/{roomId}/state', 'all state');
tree.add('GET', '/rooms/{roomId}/state/{eventType}', 'one state');
tree.add('PUT', '/rooms/{roomId}/state/{eventType}', 'set state');
tree.add('GET', '/rooms/{roomId}/state/{eventType}/', 'one state, slash');
tree.add('GET', '/rooms/{roomId}/state/{eventType}/{stateKey}', 'keyed state');
tree.add('GET', '/profile/{userId}/avatar_url', 'avatar');
tree.add('DELETE', '/profile/{userId}/{keyName}', 'delete field');

describe('a path', () => {
  test.each([
    ['GET', '/rooms/!a:b/state', 'all state', ['!a:b']],
    ['GET', '/rooms/!a:b/state/', undefined, []],
    ['GET', '/rooms/!a:b/state/m.room.name', 'one state', ['!a:b', 'm.room.name']],
    ['GET', '/rooms/!a:b/state/m.room.name/', 'one state, slash', ['!a:b', 'm.room.name']],
    ['GET', '/rooms/!a%2Fx%3Ab/state/t/%25k%2F', 'keyed state', ['!a/x:b', 't', '%k/']],
    ['GET', '/profile/@a:b/avatar_url', 'avatar', ['@a:b']],
    ['DELETE', '/profile/@a:b/avatar_url', 'delete field', ['@a:b', 'avatar_url']],
    ['GET', '/profile/@a:b/%61vatar_url', 'avatar', ['@a:b']],
    ['GET', '/rooms//state', undefined, []],
    ['GET', '/rooms', undefined, []],
    ['GET', '/rooms/a/state/b/c/d', undefined, []],
    ['GET', '', undefined, []],
  ])('%s %s', (method, path, value, values) => {
    const found = tree.find(method, path);
    expect(found).toEqual(
      value === undefined ? undefined : expect.objectContaining({ value, values, isMalformed: false }),
    );
  });

  test('is found with another method', () => {
    expect(tree.find('POST', '/rooms/a/state')).toBe('wrong-method');
    expect(tree.find('PUT', '/profile/a/avatar_url')).toBe('wrong-method');
  });

  test.each(['%', '%zz', '%C3', '%00'])('with %s is malformed', (segment) => {
    expect(tree.find('GET', `/rooms/${segment}/state`)).toMatchObject({ isMalformed: true });
  });

  test('cannot be declared twice', () => {
    expect(() => tree.add('GET', '/rooms/{other}/state', 'again')).toThrow('declared twice');
  });
});
