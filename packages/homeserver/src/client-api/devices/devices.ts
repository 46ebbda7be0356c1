import { deleteDevice, getDevice, getDevices, updateDevice } from '@hearth/api/client/devices/devices.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../../http/route.ts';
import type { Device } from '../../users/sessions/devices.ts';
import { type DeletingDevices, deleteOwnDevices } from '../support/delete-devices.ts';

/**
 * Returns the routes of `GET /devices` and GET, PUT and DELETE `/devices/{deviceId}` (client-server API, "Device
 * Management").
 */
export function devicesRoutes(deleting: DeletingDevices): Route[] {
  const { devices } = deleting;
  return [
    route(getDevices, async ({ caller }) => ({ devices: (await devices.list(caller.user)).map(present) })),
    route(getDevice, async ({ caller, params }) => present(await devices.get(caller.user, params.deviceId))),
    route(updateDevice, async ({ caller, params, body }) => {
      if (body.display_name === undefined) await devices.get(caller.user, params.deviceId);
      else await devices.rename(caller.user, params.deviceId, body.display_name);
      return {};
    }),
    route(deleteDevice, ({ caller, params, body, remoteAddress: from }) =>
      deleteOwnDevices(
        deleting,
        { operation: 'deleteDevice', target: params.deviceId, caller, from },
        [params.deviceId],
        body,
      ),
    ),
  ];
}

function present(device: Device): JsonObject {
  return {
    device_id: device.deviceId,
    // Some clients reject an answer in which a member is missing, so unknown values are null.
    display_name: device.displayName ?? null,
    last_seen_ip: device.seenIp ?? null,
    last_seen_ts: device.seenTs ?? null,
  };
}
