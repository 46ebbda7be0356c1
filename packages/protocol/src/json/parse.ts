import { isObject, type JsonObject, type JsonValue } from './value.ts';

/** The error for text that is not acceptable JSON. The message contains the reason. */
export class JsonParseError extends Error {
  override readonly name = 'JsonParseError';
}

/**
 * The maximum nesting: more than events need in practice, and few enough that a recursive function cannot exhaust the
 * stack.
 */
export const JSON_DEPTH_MAX = 100;

/**
 * Parses JSON from another server. It is stricter than `JSON.parse`: it rejects an object with the same key twice,
 * because two readers could see different values, and nesting deeper than `depthMax` (100). A member called `__proto__`
 * is an ordinary own member of the result.
 * @throws JsonParseError
 */
export function parseJson(text: string, limits: { depthMax?: number } = {}): JsonValue {
  const scan = scanText(text);
  if (scan.depth > (limits.depthMax ?? JSON_DEPTH_MAX)) throw new JsonParseError('nested too deeply');
  const value = parseNative(text);
  // Each member has one colon outside strings. When a key is repeated there are fewer members than colons.
  if (countMembers(value) !== scan.colons) throw new JsonParseError('an object has the same key twice');
  return value;
}

/**
 * Returns whether an already parsed value is nested no deeper than `depthMax`. It stops at the bound, so it is safe for
 * anything that `JSON.parse` returns.
 */
export function checkJson(value: JsonValue | undefined, depthMax: number = JSON_DEPTH_MAX): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depthMax === 0) return false;
  for (const child of Object.values(value)) {
    if (!checkJson(child, depthMax - 1)) return false;
  }
  return true;
}

function parseNative(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw new JsonParseError('not JSON');
  }
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

function scanText(text: string): { depth: number; colons: number } {
  let depth = 0;
  let deepest = 0;
  let colons = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === QUOTE) {
      i = endOfString(text, i);
    } else if (unit === COLON) {
      colons++;
    } else if (unit === 0x7b || unit === 0x5b) {
      if (++depth > deepest) deepest = depth;
    } else if (unit === 0x7d || unit === 0x5d) {
      depth--;
    }
  }
  return { depth: deepest, colons };
}

/** Returns the index of the quote that closes the string opened at `start`, or the length of the text. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

function countMembers(value: JsonValue | undefined): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countMembers(item), 0);
  return isObject(value) ? countOwn(value) : 0;
}

function countOwn(object: JsonObject): number {
  let count = 0;
  for (const child of Object.values(object)) count += 1 + countMembers(child);
  return count;
}
