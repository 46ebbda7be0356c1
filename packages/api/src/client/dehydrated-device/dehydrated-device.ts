import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint } from '../../endpoint.ts';

/** The path of MSC3814 until it is part of the specification. */
const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';

/** `PUT /dehydrated_device` (MSC3814). */
export const putDehydratedDevice = endpoint({
  operation: 'putDehydratedDevice',
  method: 'PUT',
  paths: [PATH],
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({
    device_id: v.string(),
    device_data: jsonObject,
    initial_device_display_name: v.nullish(v.string()),
    device_keys: jsonObject,
    one_time_keys: v.optional(jsonObject),
    fallback_keys: v.optional(jsonObject),
  }),
});

/** `GET /dehydrated_device` (MSC3814). */
export const getDehydratedDevice = endpoint({
  operation: 'getDehydratedDevice',
  method: 'GET',
  paths: [PATH],
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `DELETE /dehydrated_device` (MSC3814). */
export const deleteDehydratedDevice = endpoint({
  operation: 'deleteDehydratedDevice',
  method: 'DELETE',
  paths: [PATH],
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
