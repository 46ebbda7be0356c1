import { describe, expect, test } from 'vitest';
import { type EventFields, STANDING, StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import {
  parseStreamToken,
  parseSyncToken,
  parseToken,
  streamToken,
  syncToken,
  timelineToken,
} from '../../src/timeline/position.ts';
import { clientEvent } from '../../src/timeline/render/client-form.ts';

const FIELDS: EventFields = {
  num: 7,
  eventId: '$event',
  room: 1,
  roomId: '!room:x',
  seq: 3,
  typeNum: 2,
  type: 'm.room.topic',
  senderNum: 4,
  sender: '@alice:x',
  stateKeyNum: 5,
  stateKey: '',
  ts: 1_000,
  depth: 3,
  standing: STANDING.accepted,
  snapshot: 6,
  graphSnapshot: null,
  after: null,
  replaces: 6,
  extra: null,
};
const PREVIOUS = { content: '{"topic":"old"}', sender: '@bob:x', eventId: '$old' };
const json = (...call: Parameters<typeof clientEvent>) => JSON.parse(clientEvent(...call)) as unknown;

describe('the client form of an event', () => {
  const event = () => new StoredEvent(FIELDS, '{"topic":"new \\"one\\""}', null);
  const parts = { age: 12, prevContent: PREVIOUS, membership: 'join', transactionId: 't"1' };
  const common = {
    type: 'm.room.topic',
    event_id: '$event',
    sender: '@alice:x',
    origin_server_ts: 1_000,
    state_key: '',
    content: { topic: 'new "one"' },
  };
  const unsigned = {
    age: 12,
    membership: 'join',
    transaction_id: 't"1',
    prev_content: { topic: 'old' },
    prev_sender: '@bob:x',
    replaces_state: '$old',
  };

  test('in /sync, without room_id', () => {
    expect(json(event(), { roomId: false, legacy: false }, parts)).toEqual({ ...common, unsigned });
  });

  test('on other endpoints, and in the form of the r0 API', () => {
    const withRoom = { ...common, room_id: '!room:x', unsigned };
    expect(json(event(), { roomId: true, legacy: false }, parts)).toEqual(withRoom);
    const legacy = { age: 12, user_id: '@alice:x', prev_content: { topic: 'old' } };
    expect(json(event(), { roomId: true, legacy: true }, parts)).toEqual({ ...withRoom, ...legacy });
  });

  test('the part that is the same for every reader is serialised once', () => {
    const one = event();
    clientEvent(one, { roomId: true, legacy: true }, parts);
    const { clientText } = one;
    expect(clientText).toBeDefined();
    clientEvent(one, { roomId: false, legacy: false }, { age: 0 });
    expect(one.clientText).toBe(clientText);
  });

  test('a redaction names its target in the content and at the top level, in every room version', () => {
    const type = { type: 'm.room.redaction', stateKey: undefined, stateKeyNum: null };
    const beside = new StoredEvent({ ...FIELDS, ...type, extra: '{"redacts":"$target"}' }, '{"reason":"r"}', null);
    const within = new StoredEvent({ ...FIELDS, ...type }, '{"reason":"r","redacts":"$target"}', null);
    for (const each of [beside, within]) {
      expect(json(each, { roomId: false, legacy: false }, { age: 0 })).toMatchObject({
        redacts: '$target',
        content: { reason: 'r', redacts: '$target' },
      });
    }
  });
});

describe('tokens', () => {
  test('are parsed to their position', () => {
    expect(parseToken(streamToken(12), 'from')).toEqual({ kind: 'stream', position: 12 });
    expect(parseToken(timelineToken(0), 'from')).toEqual({ kind: 'timeline', seq: 0 });
    expect(parseStreamToken('s3', 'since')).toBe(3);
  });

  test('a token of /sync has a second position for messages to the device', () => {
    expect(parseSyncToken(syncToken(12, 5), 'since')).toEqual({ position: 12, toDevice: 5 });
    expect(parseSyncToken(syncToken(12, undefined), 'since')).toEqual({ position: 12, toDevice: 12 });
    expect(parseSyncToken('s12_state', 'since')).toEqual({ position: 12, toDevice: 12 });
    expect(parseStreamToken(syncToken(12, 5), 'from')).toBe(12);
  });

  test.each(['', 's', '12', 's-1', 's1.5', 's1~', 's1~x', 'x1', 's1 ', 's12345678901234567890', 't1_2', 't1~2'])(
    '%j is refused',
    (text) => {
      expect(() => parseToken(text, 'from')).toThrow("'from' is not a token");
    },
  );

  test('a timeline token is refused as a stream token', () => {
    expect(() => parseStreamToken('t3', 'since')).toThrow('since');
  });
});
