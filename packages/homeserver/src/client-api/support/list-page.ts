import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';

/** Returns a page of a list, with the number of all items and the beginning of the next page. */
export function pageOf(
  name: string,
  items: readonly JsonValue[],
  { from, limit }: { readonly from: number; readonly limit: number },
): JsonObject {
  const end = from + limit;
  const page = { [name]: items.slice(from, end), total: items.length };
  return end < items.length ? { ...page, next_token: `${end}` } : page;
}
