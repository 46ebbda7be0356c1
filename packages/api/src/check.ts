import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { type SafeParseResult, safeParse } from 'valibot';
import type { Schema } from './endpoint.ts';

const FIRST_ISSUE = { abortEarly: true } as const;

/** Checks JSON against a schema. Optional members that are `null` count as absent, as many clients send them. */
export function checkJson<S extends Schema>(schema: S, json: JsonValue): SafeParseResult<S> {
  return safeParse(schema, withoutNulls(schema, json), FIRST_ISSUE);
}

/**
 * Returns the value without those optional members, at any depth, that are `null` although their schema does not accept
 * `null`. Members that the schema does not describe are not changed.
 */
export function withoutNulls(schema: Schema, value: JsonValue): JsonValue {
  if ('pipe' in schema && Array.isArray(schema.pipe)) {
    const schemas = schema.pipe.filter(isSchema);
    return schemas.reduce(
      (result: JsonValue, step, i) => (i === 0 ? inShape(step, result) : withoutNulls(step, result)),
      value,
    );
  }
  return inShape(schema, value);
}

function inShape(schema: Schema, value: JsonValue): JsonValue {
  if (value === null || typeof value !== 'object') return value;
  if ('wrapped' in schema && isSchema(schema.wrapped)) return withoutNulls(schema.wrapped, value);
  if ('options' in schema && Array.isArray(schema.options)) return inUnion(schema.options.filter(isSchema), value);
  if (Array.isArray(value)) return inList(schema, value);
  if ('entries' in schema && isObject(value)) return inObject(schema.entries as Record<string, Schema>, value);
  if (schema.type === 'record' && 'value' in schema && isSchema(schema.value)) {
    const { value: member } = schema;
    return mapMembers(value, (each) => (each === undefined ? undefined : withoutNulls(member, each)));
  }
  return value;
}

function inObject(entries: Readonly<Record<string, Schema>>, value: JsonObject): JsonObject {
  return mapMembers(value, (each, name) => {
    const schema = Object.hasOwn(entries, name) ? entries[name] : undefined;
    if (schema === undefined || each === undefined) return each;
    if (each === null) return isAbsence(schema) ? undefined : null;
    return withoutNulls(schema, each);
  });
}

/** Returns whether `null` in place of a member means that it is absent. */
function isAbsence(schema: Schema): boolean {
  return safeParse(schema, undefined).success && !safeParse(schema, null).success;
}

function inList(schema: Schema, value: readonly JsonValue[]): JsonValue {
  if ('item' in schema && isSchema(schema.item)) {
    const { item } = schema;
    return value.map((each) => withoutNulls(item, each));
  }
  if (!('items' in schema) || !Array.isArray(schema.items)) return [...value];
  const { items } = schema;
  return value.map((each, i) => (isSchema(items[i]) ? withoutNulls(items[i], each) : each));
}

/**
 * Removes nulls from a value of a union. The first alternative that accepts the value decides which members are
 * optional.
 */
function inUnion(options: readonly Schema[], value: JsonValue): JsonValue {
  for (const option of options) {
    const candidate = withoutNulls(option, value);
    if (safeParse(option, candidate).success) return candidate;
  }
  return value;
}

/** Returns a copy of an object with changed members; `undefined` removes one. Every name stays an own member. */
function mapMembers(
  value: JsonObject,
  change: (member: JsonValue | undefined, name: string) => JsonValue | undefined,
): JsonObject {
  const members = Object.entries(value).map(([name, member]) => [name, change(member, name)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema';
}
