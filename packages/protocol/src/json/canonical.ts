import type { JsonObject, JsonValue } from './value.ts';

/**
 * The error for a value without a canonical form: a fraction, an integer out of range, a lone surrogate, or a value
 * that is not JSON.
 */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

/**
 * The numbers that are accepted. `integers`: −(2^53)+1 to 2^53−1. `any`: every finite number, for events of room
 * versions 1 to 5, to which the restriction does not apply (rooms/v1, "Canonical JSON").
 */
export type CanonicalNumbers = 'integers' | 'any';

/**
 * Returns the canonical form of a JSON value: shortest UTF-8 encoding, keys sorted by Unicode code point (appendices,
 * "Canonical JSON"). Members that are `undefined` are left out; −0 becomes 0.
 * @throws CanonicalJsonError when the value has no canonical form.
 */
export function canonicalJson(value: JsonValue, numbers: CanonicalNumbers = 'integers'): string {
  return encode(value, numbers);
}

function encode(value: JsonValue | undefined, numbers: CanonicalNumbers): string {
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'number') return encodeNumber(value, numbers);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (value === null) return 'null';
  if (Array.isArray(value)) return encodeArray(value, numbers);
  if (typeof value === 'object') return encodeObject(value, sortUnits(Object.keys(value)), numbers);
  throw new CanonicalJsonError(`a ${typeof value} is not JSON`);
}

function encodeNumber(value: number, numbers: CanonicalNumbers): string {
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : `${value}`;
  if (numbers === 'any' && Number.isFinite(value)) return `${value}`;
  throw new CanonicalJsonError(`${value} is not an integer within ±(2^53 - 1)`);
}

function encodeArray(values: JsonValue[], numbers: CanonicalNumbers): string {
  let out = '[';
  for (let i = 0; i < values.length; i++) {
    if (i > 0) out += ',';
    out += encode(values[i], numbers);
  }
  return `${out}]`;
}

function encodeObject(object: JsonObject, keys: string[], numbers: CanonicalNumbers): string {
  // This is decided before any value is encoded, because starting again would double the work at each level of nesting.
  for (const key of keys) if (NEEDS_CARE.test(key)) return encodeUnusual(object, keys, numbers);
  let out = '{';
  for (const key of keys) {
    const value = object[key];
    if (value === undefined) continue;
    out += out.length === 1 ? `"${key}":` : `,"${key}":`;
    out += encode(value, numbers);
  }
  return `${out}}`;
}

/**
 * Encodes an object with a key that needs an escape or contains surrogates. Only surrogates make the order of UTF-16
 * units differ from that of code points.
 */
function encodeUnusual(object: JsonObject, keys: string[], numbers: CanonicalNumbers): string {
  const members = keys.sort(byCodePoint).filter((key) => object[key] !== undefined);
  return `{${members.map((key) => `${quote(key)}:${encode(object[key], numbers)}`).join(',')}}`;
}

/** Characters that need an escape, and all surrogates. Strings without a match are encoded as they are. */
const NEEDS_CARE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

function quote(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new CanonicalJsonError('a string contains a lone surrogate');
  return JSON.stringify(text);
}

/** Beyond this many keys the built-in sort is faster than sorting by insertion. */
const INSERTION_SORT_MAX = 16;

/** Sorts keys in place by UTF-16 units. */
function sortUnits(keys: string[]): string[] {
  if (keys.length > INSERTION_SORT_MAX) return keys.sort();
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] ?? '';
    let place = i;
    for (; place > 0; place--) {
      const before = keys[place - 1] ?? '';
      if (before <= key) break;
      keys[place] = before;
    }
    keys[place] = key;
  }
  return keys;
}

/** Compares by code points. A surrogate encodes a code point above U+FFFF, which is greater than any other unit. */
function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xIsSurrogate = x >= 0xd800 && x <= 0xdfff;
    const yIsSurrogate = y >= 0xd800 && y <= 0xdfff;
    if (xIsSurrogate !== yIsSurrogate) return xIsSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
