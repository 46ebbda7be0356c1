import type { JsonObject, JsonValue } from './value.ts';

/** A value that has no canonical form: a fraction, an integer out of range, a lone surrogate, or not JSON at all. */
export class CanonicalJsonError extends Error {
  override readonly name = 'CanonicalJsonError';
}

/**
 * Which numbers are accepted. `integers`: those of the appendix, −(2^53)+1 to 2^53−1. `any`: every finite number, for
 * events of room versions 1 to 5, which must not be held to that rule (rooms/v1, "Canonical JSON").
 */
export type CanonicalNumbers = 'integers' | 'any';

/**
 * The canonical form of a JSON value: shortest UTF-8 encoding, keys sorted by Unicode code point (appendices, "Canonical
 * JSON"). Members that are `undefined` are left out; −0 becomes 0.
 * @throws CanonicalJsonError when the value has no canonical form.
 */
export function canonicalJson(value: JsonValue, numbers: CanonicalNumbers = 'integers'): string {
  return encode(value, numbers);
}

function encode(value: JsonValue | undefined, numbers: CanonicalNumbers): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      return encodeNumber(value, numbers);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? encodeArray(value, numbers) : encodeObject(value, numbers);
    default:
      throw new CanonicalJsonError(`a ${typeof value} is not JSON`);
  }
}

function encodeNumber(value: number, numbers: CanonicalNumbers): string {
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : `${value}`;
  if (numbers === 'any' && Number.isFinite(value)) return `${value}`;
  throw new CanonicalJsonError(`${value} is not an integer within ±(2^53 - 1)`);
}

function encodeArray(values: JsonValue[], numbers: CanonicalNumbers): string {
  if (values.length === 0) return '[]';
  let out = `[${encode(values[0], numbers)}`;
  for (let i = 1; i < values.length; i++) out += `,${encode(values[i], numbers)}`;
  return `${out}]`;
}

function encodeObject(object: JsonObject, numbers: CanonicalNumbers): string {
  let out = '{';
  for (const key of sortedKeys(object)) {
    const value = object[key];
    if (value === undefined) continue;
    out += out.length === 1 ? `${quote(key)}:${encode(value, numbers)}` : `,${quote(key)}:${encode(value, numbers)}`;
  }
  return `${out}}`;
}

/** What needs an escape, and all surrogates, so that lone ones are looked for only where there are any. */
const NEEDS_CARE = /[^ !#-[\]-\ud7ff\ue000-\uffff]/;

function quote(text: string): string {
  if (!NEEDS_CARE.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new CanonicalJsonError('a string holds a lone surrogate');
  return JSON.stringify(text);
}

function sortedKeys(object: JsonObject): string[] {
  const keys = Object.keys(object);
  let sorted = true;
  let plain = true;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? '';
    if (i > 0 && key < (keys[i - 1] ?? '')) sorted = false;
    if (SURROGATE.test(key)) plain = false;
  }
  // UTF-16 order, which `<` and sort() use, is code point order unless surrogates are compared with U+E000 to U+FFFF.
  if (!plain) return keys.sort(byCodePoint);
  return sorted ? keys : keys.sort();
}

const SURROGATE = /[\ud800-\udfff]/;

function byCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xIsSurrogate = x >= 0xd800 && x <= 0xdfff;
    const yIsSurrogate = y >= 0xd800 && y <= 0xdfff;
    // A surrogate stands for a code point above U+FFFF: greater than any unit that stands for itself.
    if (xIsSurrogate !== yIsSurrogate) return xIsSurrogate ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}
