import { checkJson } from '@hearth/api/check.ts';
import * as schema from '@hearth/api/definitions/filter.ts';
import { badJson, notJson } from '@hearth/protocol/errors.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';

/** An event filter, `EventFilter` (client-server API, "Filtering"). */
export type EventFilter = v.InferOutput<typeof schema.eventFilter>;

/** An event filter with additional members for events of rooms, `RoomEventFilter`. */
export type RoomEventFilter = v.InferOutput<typeof schema.roomEventFilter>;

/** The member `room` of a filter, `RoomFilter`. */
export type RoomFilter = v.InferOutput<typeof schema.roomFilter>;

/** A whole filter, as in `/sync`. Absent members restrict nothing. */
export type Filter = v.InferOutput<typeof schema.filter>;

/** The filter that accepts everything. */
export const EVERYTHING: Filter = {};

/**
 * Checks a filter strictly, except that optional members may be `null`.
 * @throws MatrixError M_BAD_JSON
 */
export function parseFilter(json: JsonValue): Filter {
  return check(schema.filter, json);
}

/**
 * Checks the JSON text of a filter.
 * @throws MatrixError M_NOT_JSON, M_BAD_JSON
 */
export function parseFilterText(text: string): Filter {
  return parseFilter(parseText(text));
}

/**
 * Checks the JSON text of a `RoomEventFilter`, the query parameter `filter` of `/messages` and `/context`.
 * @throws MatrixError M_NOT_JSON, M_BAD_JSON
 */
export function parseRoomEventFilterText(text: string): RoomEventFilter {
  return check(schema.roomEventFilter, parseText(text));
}

function parseText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw notJson('The filter is not JSON');
  }
}

function check<S extends v.GenericSchema>(expected: S, json: JsonValue): v.InferOutput<S> {
  const result = checkJson(expected, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw badJson(`Filter: ${v.getDotPath(issue) ?? 'top level'}: ${issue.message}`);
}
