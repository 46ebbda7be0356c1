import { hash } from 'node:crypto';
import * as fc from 'fast-check';

/** A text that is longer than an index entry of PostgreSQL may be, and that cannot be compressed. */
const VERY_LONG = Array.from({ length: 320 }, (_, i) => hash('sha256', `${i}`, 'hex').slice(0, 10)).join('');

/** Texts that have caused faults in some program. */
const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '@a\0b:hearth.test',
  '!a\0b:hearth.test',
  '#a\0b:hearth.test',
  '\u{1F44D}',
  '\u{FEFF}x',
  '\uD800',
  'x\uDC00',
  '@\uD800:hearth.test',
  '__proto__',
  'constructor',
  'toString',
  '..',
  '%',
  '%2F',
  "'; DROP TABLE events; --",
  'x'.repeat(300),
  VERY_LONG,
  `@${VERY_LONG}:hearth.test`,
  '@:',
  '!:',
  '#a:b',
  '$',
  '@alice:elsewhere.test',
  '!room:elsewhere.test',
  'mxc://a/b',
  '-1',
  '99999999999999999999',
  'm.room.message',
];

/** Texts that databases do not store, or not as keys. Each of them is put into every part of a request. */
export const UNSTORABLE_TEXTS: readonly string[] = ['a\0b', 'x\uDC00', VERY_LONG];

/** Any text, including odd ones. */
export const anyText = fc.oneof(fc.constantFrom(...ODD_TEXTS), fc.string({ unit: 'binary', maxLength: 20 }));

/** Any JSON value. */
export const anyValue: fc.Arbitrary<unknown> = fc.oneof(
  anyText,
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(null, 0, -1, 2 ** 53, 1e308, true, [], {}),
);

/** Bodies that are not JSON. */
export const NOT_JSON: readonly string[] = ['', '{', '{"a":1', '{"a":1}}', 'text', "{'a':1}", '{"a":NaN}', '\uFEFF{}'];

/** JSON values that are not objects. */
export const NO_OBJECT: readonly string[] = ['[]', '[{}]', '"text"', '42', 'true', 'null'];

/** An object that is nested so deeply that a recursive function exhausts the stack. */
export const DEEP = `{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;

/** Returns an object that is longer than the maximum length of a body. */
export function tooLong(bytesMax = 1_048_576): string {
  return JSON.stringify({ a: 'x'.repeat(bytesMax + 1) });
}
