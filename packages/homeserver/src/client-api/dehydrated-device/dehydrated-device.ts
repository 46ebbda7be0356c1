import {
  deleteDehydratedDevice,
  getDehydratedDevice,
  putDehydratedDevice,
} from '@hearth/api/client/dehydrated-device/dehydrated-device.ts';
import type { DehydratedDevices } from '../../encryption/dehydrated-devices.ts';
import { RawJson, type Route, route } from '../../http/route.ts';

/** Returns the routes of PUT, GET and DELETE `/dehydrated_device` (MSC3814). */
export function dehydratedDeviceRoutes(dehydratedDevices: DehydratedDevices): Route[] {
  return [
    route(putDehydratedDevice, async ({ caller, body }) => {
      await dehydratedDevices.put(caller, {
        deviceId: body.device_id,
        displayName: body.initial_device_display_name ?? undefined,
        data: body.device_data,
        deviceKeys: body.device_keys,
        oneTimeKeys: body.one_time_keys,
        fallbackKeys: body.fallback_keys,
      });
      return { device_id: body.device_id };
    }),
    route(getDehydratedDevice, async ({ caller }) => {
      const { device_id, json } = await dehydratedDevices.get(caller.user);
      return new RawJson(`{"device_id":${JSON.stringify(device_id)},"device_data":${json}}`);
    }),
    route(deleteDehydratedDevice, async ({ caller }) => ({ device_id: await dehydratedDevices.delete(caller.user) })),
  ];
}
