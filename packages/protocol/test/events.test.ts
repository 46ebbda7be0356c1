import { expect, test } from 'vitest';
import { limitExceeded, MatrixError, unknownToken, unrecognized } from '../src/errors.ts';
import { authEventIds, type Pdu, prevEventIds, toAuthEvent } from '../src/events/event.ts';
import { redactContent, redactPdu } from '../src/events/redact.ts';
import { parsePdu } from '../src/events/shape.ts';
import { checkEventSize } from '../src/events/size.ts';
import type { JsonObject } from '../src/json/value.ts';
import { DEFAULT_ROOM_VERSION, ROOM_VERSIONS, roomVersion, STABLE_ROOM_VERSIONS } from '../src/room-versions/rules.ts';
import { version } from './support/version.ts';

const EVENT = '$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg';
const ROOM = `!${EVENT.slice(1)}`;

const message = {
  type: 'm.room.message',
  sender: '@a:b',
  room_id: ROOM,
  content: { body: 'x' },
  depth: 1,
  origin_server_ts: 1,
  prev_events: [EVENT],
  auth_events: [],
  hashes: { sha256: 'x' },
  signatures: { b: { 'ed25519:1': 'x' } },
} satisfies JsonObject;
const early: JsonObject = {
  ...message,
  event_id: '$1:b',
  room_id: '!r:b',
  prev_events: [['$0:b', { sha256: 'x' }]],
};

test('an event of each format is accepted', () => {
  expect(parsePdu(message, version('12')).pdu).toEqual(message);
  expect(parsePdu({ ...message, room_id: '!r:b' }, version('11')).refusal).toBeUndefined();
  expect(parsePdu(early, version('1')).refusal).toBeUndefined();
  const { room_id: _, ...create } = { ...message, type: 'm.room.create', state_key: '', prev_events: [] };
  expect(parsePdu(create, version('12')).refusal).toBeUndefined();
  expect(parsePdu(create, version('11')).refusal).toContain('room_id');
  expect(parsePdu({ ...create, room_id: ROOM }, version('12')).refusal).toContain('room_id');
});

test.each([
  [{ type: 1 }, 'type'],
  [{ sender: 'a' }, 'sender'],
  [{ sender: undefined }, 'sender'],
  [{ state_key: null }, 'state_key'],
  [{ content: [] }, 'content'],
  [{ room_id: '!r:b' }, 'room_id'],
  [{ depth: -1 }, 'depth'],
  [{ depth: 1.5 }, 'depth'],
  [{ origin_server_ts: '1' }, 'origin_server_ts'],
  [{ prev_events: EVENT }, 'prev_events'],
  [{ prev_events: Array.from({ length: 21 }, () => EVENT) }, 'prev_events'],
  [{ auth_events: Array.from({ length: 11 }, () => EVENT) }, 'auth_events'],
  [{ auth_events: [['$0:b', { sha256: 'x' }]] }, 'auth_events'],
  [{ hashes: {} }, 'hashes'],
  [{ signatures: { b: { k: 1 } } }, 'signatures'],
  [{ unsigned: 1 }, 'unsigned'],
  [{ content: { x: 1.5 } }, 'canonical'],
  [{ content: { x: '\ud800' } }, 'canonical'],
  [{ type: 'é'.repeat(128) }, 'type is longer'],
  [{ content: { x: 'x'.repeat(65_536) } }, 'larger'],
] as const)('refused: %j', (change, reason) => {
  expect(parsePdu({ ...message, ...change } as unknown as JsonObject, version('12')).refusal).toContain(reason);
});

test('a value that is not an object is refused, and values that early versions allow are accepted', () => {
  expect(parsePdu([], version('12')).refusal).toContain('not an object');
  expect(parsePdu({ ...early, content: { x: 1.5 } }, version('5')).refusal).toContain('prev_events');
  expect(parsePdu({ ...early, content: { x: 1.5 } }, version('2')).refusal).toBeUndefined();
  expect(parsePdu({ ...early, event_id: 'x' }, version('2')).refusal).toContain('event_id');
});

test('the size limit counts the bytes of the canonical form exactly', () => {
  const of = (length: number) => ({ ...message, content: { x: 'é'.repeat(length) } });
  const empty = Buffer.byteLength(JSON.stringify(of(0)));
  const most = Math.floor((65_536 - empty) / 2);
  expect(checkEventSize(of(most), version('12'))).toBeUndefined();
  expect(checkEventSize(of(most + 1), version('12'))).toContain('larger');
  expect(checkEventSize({ ...of(most), unsigned: { age: 1 } }, version('12'))).toBeUndefined();
});

test('references of both formats are read', () => {
  expect(prevEventIds(early as Pdu, version('2'))).toEqual(['$0:b']);
  expect(prevEventIds(message as Pdu, version('3'))).toEqual([EVENT]);
  expect(authEventIds(message as Pdu, version('12'))).toEqual([]);
});

test('authorisation reads the members of an event that its room version uses', () => {
  const redaction = { ...message, type: 'm.room.redaction', redacts: '$old', content: { redacts: '$new' } } as Pdu;
  expect(toAuthEvent(redaction, EVENT, version('10')).redacts).toBe('$old');
  expect(toAuthEvent(redaction, EVENT, version('11')).redacts).toBe('$new');
  const { room_id: _, ...create } = { ...message, type: 'm.room.create', state_key: '' };
  expect(toAuthEvent(create as Pdu, EVENT, version('12'))).toMatchObject({ roomId: ROOM, stateKey: '' });
});

const everything = { a: 1, membership: 'join', creator: '@a:b', join_rule: 'x', allow: [], aliases: [], redacts: '$x' };

test.each([
  ['m.room.member', '1-8', ['membership']],
  ['m.room.member', '9-10', ['join_authorised_via_users_server', 'membership']],
  ['m.room.member', '11-12', ['join_authorised_via_users_server', 'membership', 'third_party_invite']],
  ['m.room.create', '1-10', ['creator']],
  ['m.room.join_rules', '1-7', ['join_rule']],
  ['m.room.join_rules', '8-12', ['allow', 'join_rule']],
  ['m.room.aliases', '1-5', ['aliases']],
  ['m.room.aliases', '6-12', []],
  ['m.room.power_levels', '1-10', ['ban', 'users_default']],
  ['m.room.power_levels', '11-12', ['ban', 'invite', 'users_default']],
  ['m.room.redaction', '1-10', []],
  ['m.room.redaction', '11-12', ['redacts']],
  ['m.room.history_visibility', '1-12', ['history_visibility']],
  ['m.room.message', '1-12', []],
])('redaction of %s in versions %s', (type, range, kept) => {
  const content = {
    ...everything,
    join_authorised_via_users_server: '@a:b',
    third_party_invite: { signed: {}, display_name: 'x' },
    ban: 1,
    invite: 1,
    notifications: {},
    users_default: 0,
    history_visibility: 'x',
  };
  const [from, to] = range.split('-').map(Number);
  for (const rules of STABLE_ROOM_VERSIONS.slice((from ?? 1) - 1, to)) {
    expect(Object.keys(redactContent(type, content, rules)).sort()).toEqual(kept);
  }
});

test('redaction keeps all of a create event from version 11, and only the signed part of a third-party invite', () => {
  expect(redactContent('m.room.create', everything, version('11'))).toEqual(everything);
  const invite = { third_party_invite: { signed: { a: 1 }, display_name: 'x' } };
  expect(redactContent('m.room.member', invite, version('11'))).toEqual({ third_party_invite: { signed: { a: 1 } } });
  expect(redactContent('m.room.member', { third_party_invite: { x: 1 } }, version('11'))).toEqual({
    third_party_invite: {},
  });
  expect(redactContent('m.room.member', { third_party_invite: 1 }, version('11'))).toEqual({});
});

test('redaction keeps the members of an event that its room version lists', () => {
  const event = {
    ...message,
    origin: 'b',
    membership: 'x',
    prev_state: [],
    redacts: '$x',
    unsigned: {},
    other: 1,
  } as Pdu;
  const added = (id: string) => Object.keys(redactPdu(event, version(id))).filter((key) => !(key in message));
  expect(added('10')).toEqual(['prev_state', 'origin', 'membership']);
  expect(added('11')).toEqual([]);
  expect(redactPdu(event, version('11')).content).toEqual({});
});

test('room versions are found by their id', () => {
  const ids = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'];
  expect(STABLE_ROOM_VERSIONS.map(({ id }) => id)).toEqual(ids);
  expect(ROOM_VERSIONS.map(({ id }) => id)).toEqual([...ids, 'org.matrix.msc3757.10', 'org.matrix.msc3757.11']);
  expect(ROOM_VERSIONS.filter(({ stable }) => stable)).toEqual(STABLE_ROOM_VERSIONS);
  expect(DEFAULT_ROOM_VERSION).toBe('12');
  expect(roomVersion('13')).toBeUndefined();
  expect(roomVersion('constructor')).toBeUndefined();
  const first = (has: (id: string) => boolean) => ROOM_VERSIONS.find(({ id }) => has(id))?.id;
  expect(first((id) => version(id).stateResolution === 'v2')).toBe('2');
  expect(first((id) => version(id).enforceSigningKeyValidity)).toBe('5');
  expect(first((id) => version(id).strictCanonicalJson)).toBe('6');
  expect(first((id) => version(id).knock)).toBe('7');
  expect(first((id) => version(id).integerPowerLevels)).toBe('10');
  expect(first((id) => version(id).createRoomIdHash)).toBe('12');
});

test('errors have the body and status of the specification', () => {
  const limited = limitExceeded(1500);
  expect(limited).toBeInstanceOf(MatrixError);
  expect([limited.status, limited.headers]).toEqual([429, { 'Retry-After': '2' }]);
  expect(limited.body()).toEqual({ errcode: 'M_LIMIT_EXCEEDED', error: 'Too many requests', retry_after_ms: 1500 });
  expect(unknownToken(true).body()).toEqual({
    errcode: 'M_UNKNOWN_TOKEN',
    error: 'Unrecognised access token',
    soft_logout: true,
  });
  expect([unrecognized().status, unrecognized(405).status]).toEqual([404, 405]);
});
