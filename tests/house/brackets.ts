const OPENING = '({[<';
const CLOSING = ')}]>';

/** Returns the text between the bracket at `start` and the bracket that closes it. */
export function bracketed(text: string, start: number): string {
  let depth = 0;
  for (let i = start; i < text.length; i += 1) {
    depth += depthChange(text, i);
    if (depth === 0) return text.slice(start + 1, i);
  }
  return text.slice(start + 1);
}

/** Splits a text at a separator where it is not inside brackets. */
export function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i += 1) {
    if (depth === 0 && text[i] === separator && !isArrow(text, i)) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
    depth += depthChange(text, i);
  }
  return [...parts, text.slice(start)].map((part) => part.trim());
}

function depthChange(text: string, at: number): number {
  const character = text[at] ?? '';
  if (OPENING.includes(character)) return 1;
  // The arrow of a function type closes nothing.
  return CLOSING.includes(character) && text.slice(at - 1, at + 1) !== '=>' ? -1 : 0;
}

function isArrow(text: string, at: number): boolean {
  return text.slice(at, at + 2) === '=>';
}
