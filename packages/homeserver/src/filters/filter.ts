import { checkJson } from '@hearth/api/check.ts';
import * as schema from '@hearth/api/definitions/filter.ts';
import { badJson, notJson } from '@hearth/protocol/errors.ts';
import type { JsonValue } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';

/** `EventFilter` of the specification (client-server API, "Filtering"). */
export type EventFilter = v.InferOutput<typeof schema.eventFilter>;

/** `RoomEventFilter`: an event filter with what is only of use for events of rooms. */
export type RoomEventFilter = v.InferOutput<typeof schema.roomEventFilter>;

/** `RoomFilter`: the member `room` of a filter. */
export type RoomFilter = v.InferOutput<typeof schema.roomFilter>;

/** A whole filter, as `/sync` takes it. Members that it does not name do not restrict anything. */
export type Filter = v.InferOutput<typeof schema.filter>;

/** The filter that lets everything through. */
export const EVERYTHING: Filter = {};

/**
 * Checks a filter strictly, apart from optional members that are `null`.
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
