import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { signJson, verifyJson } from '@hearth/protocol/signing/json.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newerKey, parseKeyAnswer } from '../../src/federation/keys/key-answer.ts';
import { keyAnswer, keyOf } from './support/peer.ts';

const [one, two] = [keyOf(1), keyOf(2)];
const usual = { server: 'a.example', keys: [one], validUntilTs: 1000 };
const parse = (answer: JsonObject) => parseKeyAnswer(answer, 'a.example', 5);

describe('an answer with keys', () => {
  test('lists the keys in use and the old ones', () => {
    const keys = parse(keyAnswer({ ...usual, old: [{ key: two, expiredTs: 7 }] }));
    expect(keys).toMatchObject([
      { keyId: 'ed25519:2', publicKey: two.publicKey, expiredTs: 7, validUntilTs: 1000, fetchedTs: 5 },
      { keyId: 'ed25519:1', publicKey: one.publicKey, expiredTs: undefined, validUntilTs: 1000 },
    ]);
  });

  test('is valid for seven days at most, whatever it states', () => {
    const weekMs = 7 * 24 * 3_600_000;
    expect(parse(keyAnswer({ ...usual, validUntilTs: 2 ** 52 }))).toMatchObject([{ validUntilTs: 5 + weekMs }]);
  });

  test('may leave out the old keys, and may have slashes in the ids of keys', () => {
    const odd = keyOf(3, 'ed25519:x');
    const slash = { ...odd, keyId: 'ed25519:a/b+c' };
    expect(parse(keyAnswer({ ...usual, keys: [slash] }))).toMatchObject([{ keyId: 'ed25519:a/b+c' }]);
  });

  test('is kept with the valid signatures of its server only', () => {
    const signed = signJson({ ...keyAnswer(usual), unsigned: { age: 1.5 } }, 'other.example', two);
    const [key] = parse(signed) ?? [];
    const kept = JSON.parse(key?.json ?? '{}') as JsonObject;
    expect(Object.keys(kept.signatures as JsonObject)).toEqual(['a.example']);
    expect(kept.unsigned).toBeUndefined();
    expect(verifyJson(kept, 'a.example', one.keyId, one.publicKey)).toBe(true);
  });

  const many = Array.from({ length: 60 }, (_, i) => ({ key: { ...two, keyId: `ed25519:o${i}` }, expiredTs: 1 }));
  test.each<[string, JsonObject]>([
    ['of another server', keyAnswer({ ...usual, server: 'b.example' })],
    ['without a signature', { ...keyAnswer(usual), signatures: {} }],
    ['without a key', keyAnswer({ ...usual, keys: [] })],
    ['whose validity was changed', { ...keyAnswer(usual), valid_until_ts: 2000 }],
    ['whose validity is a text', { ...keyAnswer(usual), valid_until_ts: '1000' }],
    ['with too many keys', keyAnswer({ ...usual, old: many })],
    [
      'signed by an old key only',
      signJson({ ...keyAnswer({ ...usual, old: [{ key: two, expiredTs: 7 }] }), signatures: {} }, 'a.example', two),
    ],
  ])('is refused: %s', (_, answer) => {
    expect(parse(answer)).toBeUndefined();
  });

  test('is parsed or refused without an exception, whatever it contains', () => {
    fc.assert(
      fc.property(
        fc.object({
          key: fc.constantFrom(
            'server_name',
            'verify_keys',
            'signatures',
            'valid_until_ts',
            'ed25519:1',
            'key',
            'a.example',
          ),
        }),
        (value) => {
          const answer = { ...(value as JsonObject), server_name: 'a.example' };
          expect([undefined, []]).toContainEqual(parse(answer));
        },
      ),
    );
  });
});

describe('two keys with the same id', () => {
  const [known] = parseKeyAnswer(keyAnswer(usual), 'a.example', 5) ?? [];
  if (known === undefined) throw new Error('the answer was refused');
  const other = { ...known, publicKey: two.publicKey };

  test.each([
    ['a newer answer replaces an older one', { ...known, validUntilTs: 1001 }, 'notary', true],
    ['a notary does not replace a newer answer', { ...known, validUntilTs: 999 }, 'notary', false],
    ['the server may shorten the validity', { ...known, validUntilTs: 999 }, 'server', true],
    ['an answer that is not valid any more replaces nothing', { ...known, validUntilTs: 4 }, 'server', false],
    ['the server expires a key', { ...known, validUntilTs: 999, expiredTs: 3 }, 'server', true],
    ['the server replaces its key', { ...other, validUntilTs: 999 }, 'server', true],
    ['a notary does not replace the key of another server', { ...other, validUntilTs: 9999 }, 'notary', false],
    ['an answer that is not valid any more does not replace the key', { ...other, validUntilTs: 1 }, 'server', false],
  ] as const)('%s', (_, fetched, source, isReplaced) => {
    expect(newerKey(known, fetched, source)).toBe(isReplaced ? fetched : known);
  });
});
