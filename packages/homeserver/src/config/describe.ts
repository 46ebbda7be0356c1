import * as v from 'valibot';
import type { KeyPath } from './key-path.ts';
import type { About } from './kinds.ts';
import { configSchema } from './schema.ts';

type Schema = v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>;

/** A key of the configuration as it is documented. */
export interface KeyDescription {
  readonly path: readonly string[];
  readonly about: About;
  readonly default: unknown;
}

/** Returns every key with a value, in the order of the schema. */
export function describeKeys(): KeyDescription[] {
  return below(configSchema, [], undefined);
}

/** Returns the names that are possible below a path, if it is a section. */
export function keysBelow(path: KeyPath): string[] {
  return Object.keys(entriesOf(schemaAt(path)) ?? {});
}

/** Returns the description of valid values at a path. */
export function writeAt(path: KeyPath): string {
  for (let length = path.length; length > 0; length--) {
    const schema = schemaAt(path.slice(0, length));
    const told = schema && aboutOf(schema);
    if (told !== undefined) return told.write;
    if (schema !== undefined && length === path.length && entriesOf(schema) !== undefined) break;
  }
  return `keys below it: ${keysBelow(path).join(', ')}`;
}

/** Returns whether the value at a path must not be shown. */
export function isSecret(path: KeyPath): boolean {
  const schema = schemaAt(path);
  return schema !== undefined && aboutOf(schema)?.env !== undefined;
}

function below(schema: Schema, path: readonly string[], fallback: unknown): KeyDescription[] {
  const told = aboutOf(schema);
  if (told !== undefined) return [{ path, about: told, default: fallback }];
  return Object.entries(entriesOf(schema) ?? {}).flatMap(([name, entry]) =>
    below(entry, [...path, name], defaultOf(entry)),
  );
}

function schemaAt(path: KeyPath): Schema | undefined {
  let schema: Schema | undefined = configSchema;
  for (const key of path) schema = typeof key === 'number' ? itemOf(schema) : entriesOf(schema)?.[key];
  return schema;
}

function entriesOf(schema: Schema | undefined): Readonly<Record<string, Schema>> | undefined {
  if (schema === undefined) return undefined;
  if ('wrapped' in schema) return entriesOf(schema.wrapped as Schema);
  // Keys are those of the objects among several alternatives.
  if (schema.type === 'lazy' && 'getter' in schema) return entriesOf((schema.getter as (input: unknown) => Schema)({}));
  return 'entries' in schema ? (schema.entries as Record<string, Schema>) : undefined;
}

function itemOf(schema: Schema | undefined): Schema | undefined {
  if (schema === undefined) return undefined;
  if ('wrapped' in schema) return itemOf(schema.wrapped as Schema);
  return 'item' in schema ? (schema.item as Schema) : undefined;
}

function aboutOf(schema: Schema): About | undefined {
  const inner = 'wrapped' in schema ? (schema.wrapped as Schema) : schema;
  return (v.getMetadata(inner) as { about?: About }).about;
}

function defaultOf(schema: Schema): unknown {
  return 'default' in schema ? schema.default : undefined;
}
