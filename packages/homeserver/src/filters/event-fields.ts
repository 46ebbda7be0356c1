import { isObject, type JsonObject, type JsonValue, member } from '@hearth/protocol/json/value.ts';

/** The path of one field, such as `['content', 'body']`. */
export type FieldPath = readonly string[];

/** Splits the entries of `event_fields` (appendices, "Dot-separated property paths"): `\.` is a dot within a name. */
export function fieldPaths(fields: readonly string[]): FieldPath[] {
  return fields.map((field) =>
    [...(field.match(/(?:\\[.\\]|[^.])+/g) ?? [])].map((part) => part.replace(/\\([.\\])/g, '$1')),
  );
}

/** Returns a copy of an event that contains only the fields at these paths. */
export function selectFields(event: JsonObject, paths: readonly FieldPath[]): JsonObject {
  const selected: JsonObject = {};
  for (const path of paths) copy(event, selected, path);
  return selected;
}

function copy(from: JsonObject, to: JsonObject, path: FieldPath): void {
  const [name, ...rest] = path;
  if (name === undefined) return;
  const value = member(from, name);
  if (value === undefined) return;
  if (rest.length === 0) {
    define(to, name, value);
    return;
  }
  if (!isObject(value)) return;
  const existing = member(to, name);
  const inner: JsonObject = isObject(existing) ? { ...existing } : {};
  copy(value, inner, rest);
  if (Object.keys(inner).length > 0) define(to, name, inner);
}

/** Sets an own member with any name, even `__proto__`. */
function define(object: JsonObject, name: string, value: JsonValue): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
