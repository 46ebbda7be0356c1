import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventIdBytes, eventIdFromHash, referenceHash } from '../src/events/hash.ts';
import { redactPdu } from '../src/events/redact.ts';
import { canonicalJson } from '../src/json/canonical.ts';
import { parseJson } from '../src/json/parse.ts';
import type { JsonObject, JsonValue } from '../src/json/value.ts';
import { ROOM_VERSIONS } from '../src/room-versions/rules.ts';
import { signingKeyFromSeed } from '../src/signing/ed25519.ts';
import { signJson, verifyJson } from '../src/signing/json.ts';
import { version } from './support/version.ts';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const { json } = fc.letrec<{ json: JsonValue; object: JsonObject }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small' },
    text,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc.dictionary(text, tie('json'), { maxKeys: 5 }),
}));
const object = fc.dictionary(text, json, { maxKeys: 6 });

const TYPES = [
  'create',
  'member',
  'join_rules',
  'power_levels',
  'history_visibility',
  'aliases',
  'redaction',
  'message',
];
const CONTENT_KEYS = [
  'membership',
  'creator',
  'join_rule',
  'allow',
  'users',
  'invite',
  'aliases',
  'redacts',
  'third_party_invite',
];
const content = fc.dictionary(fc.oneof(fc.constantFrom(...CONTENT_KEYS), text), json, { maxKeys: 6 });
const pdu = fc.record({
  type: fc.constantFrom(...TYPES.map((type) => `m.room.${type}`)),
  content,
  sender: fc.constant('@a:b'),
  room_id: fc.constant('!a:b'),
  depth: fc.nat(),
  origin_server_ts: fc.nat(),
  prev_events: fc.constant<string[]>([]),
  auth_events: fc.constant<string[]>([]),
  hashes: fc.constant({ sha256: 'x' }),
  signatures: fc.constant({}),
  unsigned: object,
  origin: text,
  membership: text,
  redacts: text,
});

/** Compares by code points with a slow and simple method. */
const byCodePoints = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

test('the canonical form is a fixed point, and no other order of keys changes it', () => {
  fc.assert(
    fc.property(object, (value) => {
      const canonical = canonicalJson(value);
      expect(canonicalJson(parseJson(canonical))).toBe(canonical);
      expect(JSON.parse(canonical)).toEqual(value);
      expect(canonicalJson(Object.fromEntries(Object.entries(value).toReversed()))).toBe(canonical);
    }),
  );
});

test('keys are sorted like the bytes of their UTF-8', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 })), (keys) => {
      const sorted = keys.toSorted(byCodePoints);
      const written = sorted.map((key) => `${JSON.stringify(key)}:1`).join(',');
      expect(canonicalJson(Object.fromEntries(keys.map((key) => [key, 1])))).toBe(`{${written}}`);
    }),
  );
});

test.each(ROOM_VERSIONS)('version $id: redaction is idempotent and keeps the reference hash', (rules) => {
  fc.assert(
    fc.property(pdu, (event) => {
      const redacted = redactPdu(event, rules);
      expect(redactPdu(redacted, rules)).toEqual(redacted);
      expect(referenceHash(redacted, rules)).toBe(referenceHash(event, rules));
    }),
    { numRuns: 50 },
  );
});

test('event ids contain the reference hash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      for (const rules of [version('3'), version('12')]) {
        expect([...(eventIdBytes(eventIdFromHash(bytes, rules)) ?? [])]).toEqual([...bytes]);
      }
    }),
  );
});

test('a signed object verifies, and a changed one does not', () => {
  fc.assert(
    fc.property(object, fc.uint8Array({ minLength: 32, maxLength: 32 }), (value, seed) => {
      const key = signingKeyFromSeed(seed, 'ed25519:k');
      const signed = signJson(value, 'server', key);
      expect(verifyJson(signed, 'server', 'ed25519:k', key.publicKey)).toBe(true);
      expect(verifyJson({ ...signed, extra$: 1 }, 'server', 'ed25519:k', key.publicKey)).toBe(false);
    }),
    { numRuns: 30 },
  );
});
