import { checkJson } from '@hearth/api/check.ts';
import type { Schema } from '@hearth/api/endpoint.ts';
import * as fc from 'fast-check';
import { safeParse } from 'valibot';
import type { JsonValue } from '../../packages/protocol/src/json/value.ts';
import { anyText, anyValue } from './nonsense.ts';

/** The weight of valid parts against parts that are replaced by any value. */
const MOSTLY = 20;

/** The maximum number of optional members of a value. With more members all of them would rarely be valid. */
const OPTIONAL_MAX = 4;

/** Generates values that mostly match a schema, with an odd value in some places. */
export function looksLike(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: MOSTLY, arbitrary: shaped(schema) }, { weight: 1, arbitrary: anyValue });
}

/** Generates values that a schema accepts, before the schema transforms them. */
export function accepted(schema: Schema): fc.Arbitrary<unknown> {
  return shaped(schema).filter((value) => isAccepted(schema, value));
}

/** Generates values that a schema refuses. */
export function refused(schema: Schema): fc.Arbitrary<unknown> {
  return fc
    .oneof(looksLike(schema), fc.dictionary(fc.constantFrom(...keysOf(schema), 'other'), anyValue))
    .filter((value) => !isAccepted(schema, value));
}

/** Returns whether a schema accepts a value after it has been serialised and parsed. */
function isAccepted(schema: Schema, value: unknown): boolean {
  if (value === undefined) return safeParse(schema, undefined).success;
  return checkJson(schema, JSON.parse(JSON.stringify(value)) as JsonValue).success;
}

/** Returns the names of an object schema's members. */
export function keysOf(schema: Schema): string[] {
  if ('entries' in schema) return Object.keys(schema.entries as object);
  return 'options' in schema ? (schema.options as unknown[]).filter(isSchema).flatMap(keysOf) : [];
}

function shaped(schema: Schema): fc.Arbitrary<unknown> {
  if ('wrapped' in schema) return fc.option(looksLike(schema.wrapped as Schema), { nil: undefined });
  if ('entries' in schema) return object(schema.entries as Record<string, Schema>);
  if ('item' in schema) return fc.array(looksLike(schema.item as Schema), { maxLength: 4 });
  if ('value' in schema && isSchema(schema.value)) return fc.dictionary(anyText, looksLike(schema.value));
  if ('options' in schema) return options(schema.options as unknown[]);
  if ('literal' in schema) return fc.constant(schema.literal);
  return leaf(schema);
}

/** Generates objects with all required members, some of the optional members, and sometimes an unknown member. */
function object(entries: Record<string, Schema>): fc.Arbitrary<unknown> {
  const names = Object.keys(entries);
  const isOptional = (name: string) => 'wrapped' in (entries[name] ?? {});
  const optional = names.filter(isOptional);
  const some = fc.subarray(optional, { maxLength: Math.min(OPTIONAL_MAX, optional.length) });
  const members = some.chain((chosen) =>
    fc.record(
      Object.fromEntries(
        names
          .filter((name) => !isOptional(name) || chosen.includes(name))
          .map((name) => [name, looksLike(unwrapped(entries[name]))]),
      ),
    ),
  );
  const others = fc.oneof(
    { weight: MOSTLY, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(anyText, anyValue, { maxKeys: 2 }) },
  );
  return fc.tuple(others, members).map(([other, value]) => ({ ...other, ...value }));
}

/** Returns the schema of a member that is present. */
export function unwrapped(schema: Schema | undefined): Schema {
  if (schema === undefined) throw new Error('an object has no schema for a member');
  return 'wrapped' in schema ? unwrapped(schema.wrapped as Schema) : schema;
}

function options(choices: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(...choices.map((choice) => (isSchema(choice) ? looksLike(choice) : fc.constant(choice))));
}

function leaf(schema: Schema): fc.Arbitrary<unknown> {
  switch (schema.type) {
    case 'string':
      return fc.oneof(anyText, fc.nat(1000).map(String), fc.constantFrom('0', '1', 'true', 'false', 'b', 'f'));
    case 'number':
      return fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 53, 0.5, 1e308));
    case 'boolean':
      return fc.boolean();
    default:
      return fc.oneof(fc.dictionary(anyText, anyValue, { maxKeys: 4 }), anyValue);
  }
}

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'schema';
}
