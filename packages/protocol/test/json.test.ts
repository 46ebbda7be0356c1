import { expect, test } from 'vitest';
import { CanonicalJsonError, canonicalJson } from '../src/json/canonical.ts';
import { checkJson, JsonParseError, parseJson } from '../src/json/parse.ts';
import type { JsonValue } from '../src/json/value.ts';

const canonical = (text: string) => canonicalJson(JSON.parse(text) as JsonValue);

test.each([
  ['{}', '{}'],
  ['{"one": 1, "two": "Two"}', '{"one":1,"two":"Two"}'],
  ['{"b": "2", "a": "1"}', '{"a":"1","b":"2"}'],
  [
    '{"auth":{"success":true,"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"medium":"email","address":"john.doe@example.org"},{"medium":"msisdn","address":"123456789"}]}}}',
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['{"a": "日本語"}', '{"a":"日本語"}'],
  ['{"本": 2, "日": 1}', '{"日":1,"本":2}'],
  ['{"a": "\\u65E5"}', '{"a":"日"}'],
  ['{"a": null}', '{"a":null}'],
  ['{"a": -0, "b": 1e10}', '{"a":0,"b":10000000000}'],
])('the specification’s example %s', (input, output) => {
  expect(canonical(input)).toBe(output);
});

test('keys are in code point order, not in UTF-16 order', () => {
  expect(canonicalJson({ '\u{1f600}': 1, '\uff5e': 2, a: 3 })).toBe('{"a":3,"\uff5e":2,"\u{1f600}":1}');
  expect(canonicalJson({ 'x\u{10ffff}': 1, 'x\u{10000}': 2, 'x\ue000': 3, x: 4 })).toBe(
    '{"x":4,"x\ue000":3,"x\u{10000}":2,"x\u{10ffff}":1}',
  );
});

test('unusual keys at every level take linear time', () => {
  let value: JsonValue = 0;
  for (let depth = 0; depth < 100; depth++) value = { a: value, '\u{1f600}': 1, '\n': 2 };
  expect(canonicalJson(value)).toHaveLength(100 * '{"\\n":2,"a":,"\u{1f600}":1}'.length + 1);
});

test('numeric keys are sorted as text', () => {
  expect(canonicalJson({ 10: 1, 9: 2, b: 3, a: 4 })).toBe('{"10":1,"9":2,"a":4,"b":3}');
});

test('escapes are the shortest ones', () => {
  expect(canonicalJson('\b\t\n\f\r"\\/\u0001\u001f\u007f\u2028')).toBe(
    '"\\b\\t\\n\\f\\r\\"\\\\/\\u0001\\u001f\u007f\u2028"',
  );
});

test('absent members are left out', () => {
  expect(canonicalJson({ a: undefined, b: 1, c: undefined })).toBe('{"b":1}');
});

test.each([1.5, 2 ** 53, -(2 ** 53), Number.NaN, Number.POSITIVE_INFINITY, '\ud800', '\udc00a'])(
  'refuses %s',
  (value) => {
    expect(() => canonicalJson({ value })).toThrow(CanonicalJsonError);
  },
);

test('the bounds of integers are accepted, and any number if configured', () => {
  expect(canonicalJson([2 ** 53 - 1, 1 - 2 ** 53])).toBe('[9007199254740991,-9007199254740991]');
  expect(canonicalJson([1.5, 2 ** 53], 'any')).toBe('[1.5,9007199254740992]');
});

test('the parser refuses repeated keys at every level', () => {
  expect(() => parseJson('{"a":1,"a":1}')).toThrow(JsonParseError);
  expect(() => parseJson('[{"x":{"a":1,"b":[],"\\u0061":2}}]')).toThrow(JsonParseError);
  expect(parseJson('{"a":{"a":":\\"{["},"b\\\\":{"a":[1,"\\\\"]}}')).toEqual({
    a: { a: ':"{[' },
    'b\\': { a: [1, '\\'] },
  });
});

test('the parser treats __proto__ as an ordinary member', () => {
  const value = parseJson('{"__proto__":{"admin":true}}') as Record<string, unknown>;
  expect(Object.keys(value)).toEqual(['__proto__']);
  expect(value.admin).toBeUndefined();
  expect(canonicalJson(parseJson('{"__proto__":{"admin":true}}'))).toBe('{"__proto__":{"admin":true}}');
});

test('nesting is bounded', () => {
  expect(parseJson('[[[]]]', { depthMax: 3 })).toEqual([[[]]]);
  expect(() => parseJson('[[[]]]', { depthMax: 2 })).toThrow(JsonParseError);
  expect(() => parseJson('['.repeat(1_000_000))).toThrow(JsonParseError);
  expect(checkJson([{ a: [] }], 3)).toBe(true);
  expect(checkJson([{ a: [] }], 2)).toBe(false);
});

test.each(['', '{', '{"a"}', '{"a":1}x', "{'a':1}", '[1,]', 'nul', '"a'])('refuses %s', (text) => {
  expect(() => parseJson(text)).toThrow(JsonParseError);
});
