import type { JsonValue } from '../../packages/protocol/src/json/value.ts';

/**
 * Returns copies of a value, each with another text or name of a member replaced.
 * @param only the members of the value that are replaced; all by default
 */
export function replaceEverywhere<T>(value: T, text: string, only?: readonly string[]): T[];
export function replaceEverywhere(value: JsonValue, text: string, only?: readonly string[]): JsonValue[] {
  if (typeof value === 'string') return [text];
  if (Array.isArray(value)) {
    return value.flatMap((one, i) => replaceEverywhere(one, text).map((replaced) => value.with(i, replaced)));
  }
  if (typeof value !== 'object' || value === null) return [];
  const copies: JsonValue[] = [];
  for (const [key, one] of Object.entries(value)) {
    if (only !== undefined && !only.includes(key)) continue;
    for (const replaced of replaceEverywhere(one, text)) copies.push({ ...value, [key]: replaced });
    if (only !== undefined) continue;
    const { [key]: _, ...others } = value;
    copies.push({ ...others, [text]: one });
  }
  return copies;
}
