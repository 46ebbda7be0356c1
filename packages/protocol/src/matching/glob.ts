/** A function that returns whether a text in lower case matches. */
export type TextMatcher = (lowerText: string) => boolean;

/** The start and end of a part of a pattern in a text. */
type Found = readonly [start: number, end: number];

/** A function that finds the first match of a part at or after an index. */
type Part = (text: string, from: number) => Found | undefined;

type Boundary = (text: string, index: number) => boolean;

/**
 * Compiles a glob pattern into a matcher of whole texts, or of substrings between word boundaries (client-server API,
 * `event_match`; appendices, "Glob-style matching"). The matcher ignores case: its argument must be in lower case.
 *
 * The parts between asterisks are searched one after the other. Each takes its first match, which never excludes a
 * match of a later part, so that no pattern causes backtracking.
 */
export function globMatcher(pattern: string, scope: 'whole' | 'words'): TextMatcher {
  const lower = pattern.toLowerCase();
  const isLiteral = !/[*?]/.test(lower);
  if (lower === '' || (scope === 'whole' && isLiteral)) return (text) => text === lower;
  if (isLiteral) return wordMatcher(lower);
  const parts = lower.split(/\*+/).map(literalOrWildcards);
  const isStart: Boundary = scope === 'words' ? isWordBoundary : (_, index) => index === 0;
  const isEnd: Boundary = scope === 'words' ? isWordBoundary : (text, index) => index === text.length;
  return (text) => matchParts(text, parts, isStart, isEnd);
}

/**
 * Returns a matcher of whole texts by any of some glob patterns. Plain names, which are most of a long list, are looked
 * up in a set; only patterns are tried one by one.
 */
export function globListMatcher(patterns: readonly string[]): TextMatcher {
  const names = new Set(patterns.map((pattern) => pattern.toLowerCase()));
  const globs = patterns.filter((pattern) => /[*?]/.test(pattern)).map((pattern) => globMatcher(pattern, 'whole'));
  return (text) => names.has(text) || globs.some((matches) => matches(text));
}

/** Returns a matcher of a literal phrase between word boundaries. */
export function wordMatcher(phrase: string): TextMatcher {
  const lower = phrase.toLowerCase();
  if (lower === '') return () => false;
  return (text) => {
    for (let at = text.indexOf(lower); at !== -1; at = text.indexOf(lower, at + 1)) {
      if (isWordBoundary(text, at) && isWordBoundary(text, at + lower.length)) return true;
    }
    return false;
  };
}

function matchParts(text: string, parts: readonly Part[], isStart: Boundary, isEnd: Boundary): boolean {
  let from = 0;
  for (const [index, part] of parts.entries()) {
    const isFirst = index === 0;
    const isLast = index === parts.length - 1;
    const found = findWhere(text, part, from, ([start, end]) => {
      return (!isFirst || isStart(text, start)) && (!isLast || isEnd(text, end));
    });
    if (found === undefined) return false;
    from = found[1];
  }
  return true;
}

function findWhere(text: string, part: Part, from: number, suits: (found: Found) => boolean): Found | undefined {
  for (let found = part(text, from); found !== undefined; found = part(text, found[0] + 1)) {
    if (suits(found)) return found;
  }
  return undefined;
}

function literalOrWildcards(part: string): Part {
  if (!part.includes('?')) return literal(part);
  const source = part.replace(/[\\^$.*+{}()|[\]/]/g, '\\$&').replaceAll('?', '.');
  const expression = new RegExp(source, 'gsu');
  return (text, from) => {
    for (let at = from; at <= text.length; at++) {
      expression.lastIndex = at;
      const found = expression.exec(text);
      if (found === null) return undefined;
      // A search that starts within a surrogate pair steps back to the first half, which was examined before.
      if (found.index >= from) return [found.index, found.index + found[0].length];
    }
    return undefined;
  };
}

function literal(part: string): Part {
  return (text, from) => {
    // `indexOf` finds an empty part at the end of the text every time, which would never end.
    if (from > text.length) return undefined;
    const start = text.indexOf(part, from);
    return start === -1 ? undefined : [start, start + part.length];
  };
}

/** Returns whether an index is at either end of the text or next to a character that does not belong to a word. */
function isWordBoundary(text: string, index: number): boolean {
  return !(isWordUnit(text.charCodeAt(index - 1)) && isWordUnit(text.charCodeAt(index)));
}

/** Returns whether a unit is `A-Z`, `a-z`, `0-9` or `_`. NaN stands for positions outside the text. */
function isWordUnit(unit: number): boolean {
  return (unit >= 97 && unit <= 122) || (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95;
}
