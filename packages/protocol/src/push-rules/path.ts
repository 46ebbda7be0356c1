import { isObject, type JsonObject, type JsonValue, member } from '../json/value.ts';

/** Splits a dotted path; `\.` is a dot and `\\` a backslash within a name (appendices, "Dot-separated property paths"). */
export function splitPath(path: string): string[] {
  const names = [''];
  for (let i = 0; i < path.length; i++) {
    const letter = path.charAt(i);
    const next = path.charAt(i + 1);
    if (letter === '.') {
      names.push('');
    } else if (letter === '\\' && (next === '.' || next === '\\')) {
      names.push(`${names.pop() ?? ''}${next}`);
      i++;
    } else {
      names.push(`${names.pop() ?? ''}${letter}`);
    }
  }
  return names;
}

/** Returns the value at a path in an event, or undefined. */
export function valueAt(event: JsonObject, names: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = event;
  for (const name of names) {
    if (!isObject(value)) return undefined;
    value = member(value, name);
  }
  return value;
}
