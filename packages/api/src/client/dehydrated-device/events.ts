import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';

/** `POST /dehydrated_device/{deviceId}/events` (MSC3814). */
export const getDehydratedDeviceEvents = endpoint({
  operation: 'getDehydratedDeviceEvents',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device/{deviceId}/events'],
  access: 'user',
  limit: 'keys',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ next_batch: v.optional(v.string()) }),
  bodyOptional: true,
});
