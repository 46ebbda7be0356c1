import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isNamespacedIdentifier, isOpaqueIdentifier } from '../src/identifiers/common.ts';
import { eventIdServer, parseEventId } from '../src/identifiers/event-id.ts';
import { mxcParts, mxcUri } from '../src/identifiers/mxc-uri.ts';
import { parseRoomAlias, roomAlias, roomAliasLocalpart } from '../src/identifiers/room-alias.ts';
import { isHashRoomId, parseRoomId, roomIdOfCreate, roomIdServer } from '../src/identifiers/room-id.ts';
import { parseServerName, splitServerName } from '../src/identifiers/server-name.ts';
import { serverOf } from '../src/identifiers/server-of.ts';
import {
  isCompliantUserId,
  isValidNewLocalpart,
  mapToLocalpart,
  parseUserId,
  userId,
  userIdLocalpart,
} from '../src/identifiers/user-id.ts';

const HASH = 'Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg';

function parsed<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('was not parsed');
  return value;
}

test.each(['matrix.org', 'matrix.org:8888', '1.2.3.4', '1.2.3.4:1234', '[1234:5678::abcd]', '[1234:5678::abcd]:5678'])(
  'the server name %s',
  (name) => expect(parseServerName(name)).toBe(name),
);

test.each(['', 'a b', 'a:', 'a:123456', 'a:b', '[::1', '::1', 'ünicode.org', 'a/b', '[g::]', 'a\n'])(
  'no server name: %j',
  (name) => expect(parseServerName(name)).toBeUndefined(),
);

test('a server name is split into host and port', () => {
  expect(splitServerName(parsed(parseServerName('a.b:80')))).toEqual({ host: 'a.b', port: 80 });
  expect(splitServerName(parsed(parseServerName('[::1]')))).toEqual({ host: '[::1]' });
});

test.each(['@a:b', '@:b', '@A B\u{1f600}:b:80', '@x!/=:[::1]:1', `@${'a'.repeat(252)}:b`])('the user id %s', (id) => {
  expect(parseUserId(id)).toBe(id);
});

test.each(['', 'a:b', '@a', '@a:', '@a\0:b', '@a\ud800:b', '@a:b c', `@${'a'.repeat(253)}:b`, `@${'é'.repeat(127)}:b`])(
  'no user id: %j',
  (id) => expect(parseUserId(id)).toBeUndefined(),
);

test('localparts follow the strict or the historical grammar', () => {
  expect(['a', 'a.b_c=d-e/f+1'].every(isValidNewLocalpart)).toBe(true);
  expect(['', 'A', 'a b', 'é', 'a:b', '*'].some(isValidNewLocalpart)).toBe(false);
  expect(isCompliantUserId(parsed(parseUserId('@A*:b')))).toBe(true);
  expect(isCompliantUserId(parsed(parseUserId('@:b')))).toBe(false);
  expect(isCompliantUserId(parsed(parseUserId('@é:b')))).toBe(false);
  expect(mapToLocalpart('Á=b#c D')).toBe('=c3=81=3db=23c=20d');
});

test('room ids are parsed with and without a domain', () => {
  const hashed = parsed(parseRoomId(`!${HASH}`));
  expect(isHashRoomId(hashed)).toBe(true);
  expect(roomIdServer(hashed)).toBeUndefined();
  expect(roomIdServer(parsed(parseRoomId('!x:b:80')))).toBe('b:80');
  expect(roomIdOfCreate(`$${HASH}`)).toBe(hashed);
  expect(parseRoomId(`!${HASH}a`)).toBeUndefined();
  expect(parseRoomId('!abc')).toBeUndefined();
  expect(parseRoomId('#x:b')).toBeUndefined();
});

test('event ids of all room versions are parsed', () => {
  expect(parseEventId(`$${HASH}`)).toBe(`$${HASH}`);
  expect(parseEventId('$CD66HAED5npg6074c6pDtLKalHjVfYb2q4Q3LZgrW6o')).toBeDefined();
  expect(parseEventId('$ab/+HAED5npg6074c6pDtLKalHjVfYb2q4Q3LZgrW6o')).toBeDefined();
  expect(parseEventId('$ab/-HAED5npg6074c6pDtLKalHjVfYb2q4Q3LZgrW6o')).toBeUndefined();
  expect(eventIdServer(parsed(parseEventId('$x:b')))).toBe('b');
  expect(eventIdServer(`$${HASH}`)).toBeUndefined();
  expect(parseEventId('$x')).toBeUndefined();
});

test('aliases and media URIs are parsed', () => {
  expect(roomAliasLocalpart(parsed(parseRoomAlias('#a b:c')))).toBe('a b');
  expect(parseRoomAlias('#:c')).toBeUndefined();
  expect(mxcParts('mxc://a:80/x_-9')).toEqual({ server: 'a:80', mediaId: 'x_-9' });
  for (const uri of ['mxc://a/', 'mxc://a/../b', 'mxc://a/b/c', 'mxc:///b', 'http://a/b', 'mxc://a b/c']) {
    expect(mxcParts(uri)).toBeUndefined();
  }
  expect(mxcUri(parsed(parseServerName('a')), 'b')).toBe('mxc://a/b');
});

test('common identifier grammars accept and refuse texts', () => {
  expect(['m.x', 'a', 'org.example.x-1_2'].every(isNamespacedIdentifier)).toBe(true);
  expect(['', '1a', 'A', 'a b', `a${'b'.repeat(255)}`].some(isNamespacedIdentifier)).toBe(false);
  expect(['0A.z_~-', 'a'.repeat(255)].every(isOpaqueIdentifier)).toBe(true);
  expect(['', 'a b', 'a'.repeat(256)].some(isOpaqueIdentifier)).toBe(false);
});

test('identifiers that are built from parts are split into the same parts', () => {
  const server = parsed(parseServerName('example.org:8448'));
  const localpart = fc.string({ unit: 'binary', maxLength: 50 }).filter((text) => !/[:\0]/.test(text));
  fc.assert(
    fc.property(localpart, (text) => {
      const id = parsed(userId(text, server));
      expect([userIdLocalpart(id), serverOf(id)]).toEqual([text, server]);
      const alias = roomAlias(text, server);
      expect(alias === undefined ? '' : roomAliasLocalpart(alias)).toBe(text);
    }),
  );
});
