import { expect, test } from 'vitest';
import { decodeBase64, encodeBase64 } from '../src/encoding/base64.ts';
import type { Pdu } from '../src/events/event.ts';
import { contentHash, eventId, eventIdBytes, hasValidContentHash } from '../src/events/hash.ts';
import type { JsonObject } from '../src/json/value.ts';
import { type RoomVersion, roomVersion } from '../src/room-versions/rules.ts';
import { signingKeyFromSeed } from '../src/signing/ed25519.ts';
import { signJson, verifyJson } from '../src/signing/json.ts';
import { hashAndSignPdu, requiredSigners, signPdu, verifyPduSignature } from '../src/signing/pdu.ts';

const seed = decodeBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array();
const key = signingKeyFromSeed(seed, 'ed25519:1');

function version(id: string): RoomVersion {
  const found = roomVersion(id);
  if (found === undefined) throw new Error(`no room version ${id}`);
  return found;
}

test.each([
  ['', ''],
  ['f', 'Zg'],
  ['fo', 'Zm8'],
  ['foo', 'Zm9v'],
  ['foob', 'Zm9vYg'],
  ['fooba', 'Zm9vYmE'],
  ['foobar', 'Zm9vYmFy'],
])('unpadded Base64 of %s', (text, base64) => {
  expect(encodeBase64(Buffer.from(text))).toBe(base64);
  expect(Buffer.from(decodeBase64(base64) ?? []).toString()).toBe(text);
});

test('malformed Base64 is refused', () => {
  expect(decodeBase64('a')).toBeUndefined();
  expect(decodeBase64('ab!=')).toBeUndefined();
  expect(decodeBase64('_-aa')).toBeUndefined();
  expect(decodeBase64('Zg==')).toEqual(Buffer.from('f'));
});

test('the empty object has the signature of the specification', () => {
  expect(signJson({}, 'domain', key)).toEqual({
    signatures: {
      domain: {
        'ed25519:1': 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ',
      },
    },
  });
});

test('the object with data has the signature of the specification', () => {
  const signed = signJson({ one: 1, two: 'Two' }, 'domain', key);
  expect(signed.signatures).toEqual({
    domain: {
      'ed25519:1': 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw',
    },
  });
  expect(verifyJson(signed, 'domain', 'ed25519:1', key.publicKey)).toBe(true);
  expect(verifyJson({ ...signed, unsigned: { age: 1 } }, 'domain', 'ed25519:1', key.publicKey)).toBe(true);
  expect(verifyJson({ ...signed, one: 2 }, 'domain', 'ed25519:1', key.publicKey)).toBe(false);
  expect(verifyJson(signed, 'other', 'ed25519:1', key.publicKey)).toBe(false);
  expect(verifyJson(signed, 'domain', 'ed25519:2', key.publicKey)).toBe(false);
  expect(verifyJson(signed, 'domain', 'ed25519:1', 'AAAA')).toBe(false);
});

const minimal = {
  room_id: '!x:domain',
  sender: '@a:domain',
  origin: 'domain',
  origin_server_ts: 1000000,
  signatures: {},
  hashes: {},
  type: 'X',
  content: {},
  prev_events: [],
  auth_events: [],
  depth: 3,
  unsigned: { age_ts: 1000000 },
};

test('only Ed25519 counts', () => {
  const signature = signJson({}, 'domain', key).signatures;
  const other = JSON.parse(JSON.stringify(signature).replace('ed25519:1', 'rsa:1'));
  expect(verifyJson({ signatures: other }, 'domain', 'rsa:1', key.publicKey)).toBe(false);
  expect(() => signingKeyFromSeed(seed, 'rsa:1')).toThrow(RangeError);
  expect(() => signingKeyFromSeed(seed.subarray(1), 'ed25519:1')).toThrow(RangeError);
});

test('the minimal event has the signature of the specification', () => {
  const signed = signPdu(minimal, version('1'), 'domain', key);
  expect(signed).toEqual({
    ...minimal,
    hashes: { sha256: '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos' },
    signatures: {
      domain: {
        'ed25519:1': 'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
      },
    },
  });
});

test('the event with redactable content has the signature of the specification', () => {
  const event: JsonObject = {
    content: { body: 'Here is the message content' },
    event_id: '$0:domain',
    origin: 'domain',
    origin_server_ts: 1000000,
    type: 'm.room.message',
    room_id: '!r:domain',
    sender: '@u:domain',
    signatures: {},
    unsigned: { age_ts: 1000000 },
  };
  expect(contentHash(event)).toBe('onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g');
  const signed = signPdu(event as Pdu, version('1'), 'domain', key);
  expect(signed.signatures).toEqual({
    domain: {
      'ed25519:1': 'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
    },
  });
});

test('a signed event verifies, whole or redacted, until a member is changed', () => {
  const { pdu, eventId: id, hash } = hashAndSignPdu(minimal, version('12'), 'domain', key);
  expect(eventId(pdu, version('12'))).toBe(id);
  expect(eventIdBytes(id)).toEqual(Buffer.from(hash));
  expect(hasValidContentHash(pdu, version('12'))).toBe(true);
  expect(verifyPduSignature(pdu, version('12'), 'domain', 'ed25519:1', key.publicKey)).toBe(true);
  const tampered = { ...pdu, content: { body: 'x' } };
  expect(verifyPduSignature(tampered, version('12'), 'domain', 'ed25519:1', key.publicKey)).toBe(true);
  expect(hasValidContentHash(tampered, version('12'))).toBe(false);
  const moved = { ...pdu, depth: 4 };
  expect(verifyPduSignature(moved, version('12'), 'domain', 'ed25519:1', key.publicKey)).toBe(false);
});

test('the servers that must have signed an event are listed', () => {
  const { pdu } = hashAndSignPdu(minimal, version('12'), 'domain', key);
  expect(requiredSigners(pdu, version('12'))).toEqual(['domain']);
  expect(requiredSigners({ ...pdu, event_id: '$1:other' }, version('2'))).toEqual(['domain', 'other']);
  const join = {
    ...pdu,
    type: 'm.room.member',
    content: { membership: 'join', join_authorised_via_users_server: '@b:third' },
  };
  expect(requiredSigners(join, version('8'))).toEqual(['domain', 'third']);
  expect(requiredSigners(join, version('7'))).toEqual(['domain']);
  const invite = { ...pdu, type: 'm.room.member', content: { membership: 'invite', third_party_invite: {} } };
  expect(requiredSigners(invite, version('12'))).toEqual([]);
});
