import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseServerName, type ServerName } from '../src/identifiers/server-name.ts';
import { signingKeyFromSeed, verifyKey } from '../src/signing/ed25519.ts';
import { verifyJson } from '../src/signing/json.ts';
import { isKeyValidFor, KEY_VALIDITY_MS_MAX } from '../src/signing/key-validity.ts';
import { authorizeRequest, parseAuthorization, type SignedRequest, verifyRequest } from '../src/signing/request.ts';

const name = (text: string) => parseServerName(text) as ServerName;
const key = signingKeyFromSeed(new Uint8Array(32).fill(3), 'ed25519:a_1');
const request: SignedRequest = {
  method: 'PUT',
  uri: '/_matrix/federation/v1/send/1?x=y',
  origin: name('a.example:8448'),
  destination: name('b.example'),
  content: { pdus: [] },
};

test('a request is signed, its header parsed and verified', () => {
  const header = authorizeRequest(request, key);
  expect(header).toMatch(
    /^X-Matrix origin="a\.example:8448",destination="b\.example",key="ed25519:a_1",sig="[A-Za-z0-9+/]{86}"$/,
  );
  const parsed = parseAuthorization(header);
  const publicKey = verifyKey(key.publicKey);
  if (parsed === undefined || publicKey === undefined) throw new Error('not parsed');
  expect(parsed).toMatchObject({ origin: 'a.example:8448', destination: 'b.example', keyId: 'ed25519:a_1' });
  expect(verifyRequest(request, parsed, publicKey)).toBe(true);
  for (const change of [
    { method: 'GET' },
    { uri: '/x' },
    { destination: name('c') },
    { origin: name('c') },
    { content: {} },
    { content: undefined },
  ]) {
    expect(verifyRequest({ ...request, ...change }, parsed, publicKey)).toBe(false);
  }
});

test('a request may carry numbers that canonical JSON does not permit, as events of old room versions do', () => {
  const odd = { ...request, content: { pdus: [{ content: { a: 0.5, b: 2 ** 60 } }] } };
  const parsed = parseAuthorization(authorizeRequest(odd, key));
  const publicKey = verifyKey(key.publicKey);
  if (parsed === undefined || publicKey === undefined) throw new Error('not parsed');
  expect(verifyRequest(odd, parsed, publicKey)).toBe(true);
});

test('the signed object has the members that the specification lists', () => {
  const { content: _, ...rest } = request;
  const signature = parseAuthorization(authorizeRequest(rest, key))?.signature ?? '';
  const object = { ...rest, signatures: { [rest.origin]: { 'ed25519:a_1': signature } } };
  expect(verifyJson(object, rest.origin, 'ed25519:a_1', key.publicKey)).toBe(true);
});

test.each([
  ['X-Matrix origin=a,key="ed25519:1",sig="s"', { origin: 'a', keyId: 'ed25519:1', signature: 's' }],
  ['x-matrix   SIG=s , Key=ed25519:1\t,ORIGIN=a:80', { origin: 'a:80', keyId: 'ed25519:1', signature: 's' }],
  ['X-Matrix origin="\\a",key="k",sig="a\\"b\\\\",x=y', { origin: 'a', keyId: 'k', signature: 'a"b\\' }],
  ['X-Matrix origin=a,destination=b,key=k,sig=s', { origin: 'a', destination: 'b', keyId: 'k', signature: 's' }],
])('accepted: %s', (header, expected) => {
  expect(parseAuthorization(header)).toEqual(expected);
});

test.each([
  'Bearer x',
  'X-Matrix',
  'X-Matrix origin=a,key=k',
  'X-Matrix origin=a,origin=b,key=k,sig=s',
  'X-Matrix origin="a,key=k,sig=s',
  'X-Matrix origin=a key=k sig=s',
  'X-Matrix origin="a b",key=k,sig=s',
  'X-Matrix origin=a,destination="b/c",key=k,sig=s',
])('refused: %s', (header) => {
  expect(parseAuthorization(header)).toBeUndefined();
});

test('a key is valid as long as the room version demands', () => {
  const enforced = { enforceSigningKeyValidity: true };
  const now = 1_000_000;
  expect(isKeyValidFor({ validUntilTs: 500 }, 500, now, enforced)).toBe(true);
  expect(isKeyValidFor({ validUntilTs: 500 }, 501, now, enforced)).toBe(false);
  expect(isKeyValidFor({ validUntilTs: 500 }, 501, now, { enforceSigningKeyValidity: false })).toBe(true);
  const later = now + KEY_VALIDITY_MS_MAX;
  expect(isKeyValidFor({ validUntilTs: later * 2 }, later, now, enforced)).toBe(true);
  expect(isKeyValidFor({ validUntilTs: later * 2 }, later + 1, now, enforced)).toBe(false);
  expect(isKeyValidFor({ expiredTs: 500 }, 499, now, { enforceSigningKeyValidity: false })).toBe(true);
  expect(isKeyValidFor({ expiredTs: 500 }, 500, now, { enforceSigningKeyValidity: false })).toBe(false);
});

const tokenText = fc.string({
  unit: fc.constantFrom('a', 'Z', '0', '9', '+', '/', ':', '.', '_', '-'),
  minLength: 1,
  maxLength: 20,
});
const spaces = fc.constantFrom('', ' ', '\t', '  ');
/** One parameter as a server may spell it: the case of the name, quotes and spaces vary. */
const spelled = (parameter: string, value: string) =>
  fc
    .record({ upper: fc.boolean(), quoted: fc.boolean(), before: spaces, around: spaces, after: spaces })
    .map(({ upper, quoted, before, around, after }) => {
      const written = quoted ? `"${value.replaceAll(/(["\\])/g, '\\$1')}"` : value;
      return `${before}${upper ? parameter.toUpperCase() : parameter}${around}=${around}${written}${after}`;
    });

test('a header has the same meaning in every order and spelling of its parameters', () => {
  const values = fc.record({
    keyId: tokenText,
    signature: tokenText,
    withDestination: fc.boolean(),
    withUnknown: fc.boolean(),
  });
  const headers = values.chain(({ keyId, signature, withDestination, withUnknown }) => {
    const pairs: [string, string][] = [
      ['origin', 'a.example:8448'],
      ['key', keyId],
      ['sig', signature],
    ];
    if (withDestination) pairs.push(['destination', 'b.example']);
    if (withUnknown) pairs.push(['unknown', 'x']);
    const expected = {
      origin: 'a.example:8448',
      keyId,
      signature,
      ...(withDestination && { destination: 'b.example' }),
    };
    return fc
      .tuple(...pairs.map(([parameter, value]) => spelled(parameter, value)))
      .chain((parts) => fc.shuffledSubarray([...parts], { minLength: parts.length }))
      .map((parts) => ({ header: `X-Matrix ${parts.join(',')}`, expected }));
  });
  fc.assert(
    fc.property(headers, ({ header, expected }) => {
      expect(parseAuthorization(header)).toEqual(expected);
    }),
  );
});

test('a header is parsed or refused without an exception, whatever it contains', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom('X-Matrix ', 'origin=', 'key=', 'sig=', ',', '"', '\\', '=', 'a'),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const parsed = parseAuthorization(pieces.join(''));
      expect(parsed === undefined || parseServerName(parsed.origin) !== undefined).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('a key that is valid for an event is valid for every earlier one', () => {
  const times = fc.record({ validUntilTs: fc.nat(), earlier: fc.nat(), later: fc.nat(), now: fc.nat() });
  fc.assert(
    fc.property(times, fc.option(fc.nat(), { nil: undefined }), fc.boolean(), (given, expiredTs, enforced) => {
      const validity = { validUntilTs: given.validUntilTs, expiredTs };
      const [first, second] = [Math.min(given.earlier, given.later), Math.max(given.earlier, given.later)];
      const isValid = (ts: number) => isKeyValidFor(validity, ts, given.now, { enforceSigningKeyValidity: enforced });
      if (isValid(second)) expect(isValid(first)).toBe(true);
    }),
  );
});
