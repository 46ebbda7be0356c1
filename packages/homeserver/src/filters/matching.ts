import type { RoomEventFilter } from './filter.ts';

/** A test of a string; undefined for a test that accepts every string. */
export type Test = ((value: string) => boolean) | undefined;

/** A compiled event filter. */
export interface Matcher {
  readonly type: Test;
  readonly sender: Test;
  readonly room: Test;
  /** Whether the content must (true) or must not (false) have a `url`. */
  readonly containsUrl: boolean | undefined;
  /** True if the filter accepts no event. */
  readonly nothing: boolean;
}

/** Compiles a filter. An `EventFilter` is a `RoomEventFilter` without rooms. */
export function matcherOf(filter: RoomEventFilter | undefined): Matcher {
  return {
    type: testOf(filter?.types, filter?.not_types, globTest),
    sender: testOf(filter?.senders, filter?.not_senders, setTest),
    room: testOf(filter?.rooms, filter?.not_rooms, setTest),
    containsUrl: filter?.contains_url,
    nothing: filter?.limit === 0 || isEmpty(filter?.types) || isEmpty(filter?.senders) || isEmpty(filter?.rooms),
  };
}

/**
 * Returns whether an event passes. `hasUrl` returns whether the content has the member `url`. It is called only if the
 * filter depends on it.
 */
export function matches(matcher: Matcher, type: string, sender: string, hasUrl: () => boolean): boolean {
  if (matcher.nothing) return false;
  if (matcher.type !== undefined && !matcher.type(type)) return false;
  if (matcher.sender !== undefined && !matcher.sender(sender)) return false;
  return matcher.containsUrl === undefined || matcher.containsUrl === hasUrl();
}

/** Returns whether a room passes the `rooms` and `not_rooms` of a room filter or a room event filter. */
export function roomTest(filter: { rooms?: string[] | undefined; not_rooms?: string[] | undefined } | undefined): Test {
  return testOf(filter?.rooms, filter?.not_rooms, setTest);
}

function isEmpty(list: readonly string[] | undefined): boolean {
  return list !== undefined && list.length === 0;
}

type MakeTest = (list: readonly string[]) => (value: string) => boolean;

/** Returns the test for two lists. Strings in `not` are excluded even if they are also in `only`. */
function testOf(only: readonly string[] | undefined, not: readonly string[] | undefined, make: MakeTest): Test {
  const included = only === undefined ? undefined : make(only);
  const excluded = not === undefined || not.length === 0 ? undefined : make(not);
  if (excluded === undefined) return included;
  if (included === undefined) return (value) => !excluded(value);
  return (value) => included(value) && !excluded(value);
}

function setTest(list: readonly string[]): (value: string) => boolean {
  const set = new Set(list);
  return (value) => set.has(value);
}

/**
 * Returns the test for a list of types, which may contain `*` for any sequence of characters (client-server API,
 * "Filtering").
 */
function globTest(list: readonly string[]): (value: string) => boolean {
  const exact = new Set(list.filter((type) => !type.includes('*')));
  const globs = list.filter((type) => type.includes('*')).map((type) => type.split('*'));
  if (globs.length === 0) return (value) => exact.has(value);
  return (value) => exact.has(value) || globs.some((parts) => matchesParts(parts, value));
}

/**
 * Matches parts greedily from the left in linear time, while a regular expression from untrusted text could take
 * exponential time.
 */
function matchesParts(parts: readonly string[], value: string): boolean {
  const first = parts[0] ?? '';
  const last = parts.at(-1) ?? '';
  if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = value.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return at <= value.length - last.length;
}
