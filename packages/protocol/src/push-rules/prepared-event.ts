import type { JsonObject, JsonValue } from '../json/value.ts';
import { valueAt } from './path.ts';

/** An event that many rulesets are tried on: what they look up is found and put in lower case once. */
export interface PreparedEvent {
  readonly event: JsonObject;
  /** The value at a path. `path` is the path as written, `names` the same split. */
  value(path: string, names: readonly string[]): JsonValue | undefined;
  /** The string at a path in lower case; undefined when there is none. */
  lowerText(path: string, names: readonly string[]): string | undefined;
}

/** Prepares an event in the form clients see for evaluation. */
export function prepareEvent(event: JsonObject): PreparedEvent {
  const values = new Map<string, JsonValue | undefined>();
  const texts = new Map<string, string | undefined>();
  const value = (path: string, names: readonly string[]) => {
    if (!values.has(path)) values.set(path, valueAt(event, names));
    return values.get(path);
  };
  const lowerText = (path: string, names: readonly string[]) => {
    if (!texts.has(path)) {
      const found = value(path, names);
      texts.set(path, typeof found === 'string' ? found.toLowerCase() : undefined);
    }
    return texts.get(path);
  };
  return { event, value, lowerText };
}
