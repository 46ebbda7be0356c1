import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';

/** Any JSON value; bodies are parsed JSON already. */
export const jsonValue = v.custom<JsonValue>((value) => value !== undefined, 'must be present');

/** Any JSON object. */
export const jsonObject = v.custom<JsonObject>(isObject, 'must be an object');

/** The member `auth` of a request with user-interactive authentication. */
export const auth = v.optional(jsonObject);
