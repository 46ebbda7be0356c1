import { deleteDevice, getDevice, getDevices, updateDevice } from '@hearth/api/client/devices/devices.ts';
import { invalidParam } from '@hearth/protocol/errors.ts';
import { parseDeviceId } from '@hearth/protocol/identifiers/device-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { Reply, type Route, route } from '../../http/route.ts';
import type { OwnerCheck } from '../../users/credentials/owner-check.ts';
import type { Device, Devices } from '../../users/sessions/devices.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';
import { challengeReply } from '../support/challenge.ts';

/**
 * Returns the routes of `GET /devices` and GET, PUT and DELETE `/devices/{deviceId}` (client-server API, "Device
 * Management").
 */
export function devicesRoutes(devices: Devices, sessions: Sessions, ownerCheck: OwnerCheck): Route[] {
  return [
    route(getDevices, async ({ caller }) => ({ devices: (await devices.list(caller.user)).map(renderDevice) })),
    route(getDevice, async ({ caller, params }) => renderDevice(await devices.get(caller.user, params.deviceId))),
    route(updateDevice, async ({ caller, params, body }) => {
      const { deviceId } = params;
      // Application services create devices this way (application service API, "Creating devices").
      if (caller.applicationService !== undefined && (await devices.find(caller.user, deviceId)) === undefined) {
        if (parseDeviceId(deviceId) === undefined) throw invalidParam('The device id is not valid');
        if (await sessions.ensureDevice(caller.user, { deviceId, displayName: body.display_name }))
          return new Reply(201, {});
      }
      if (body.display_name === undefined) await devices.get(caller.user, deviceId);
      else await devices.rename(caller.user, deviceId, body.display_name);
      return {};
    }),
    route(deleteDevice, async ({ caller, params: { deviceId }, body, remoteAddress: from }) => {
      const request = { operation: 'deleteDevice', target: deviceId, caller, from };
      const verdict = await ownerCheck.judge(request, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await sessions.logoutDevices(caller.user, [deviceId]);
      return {};
    }),
  ];
}

function renderDevice(device: Device): JsonObject {
  return {
    device_id: device.deviceId,
    // Some clients reject an answer in which a member is missing, so unknown values are null.
    display_name: device.displayName ?? null,
    last_seen_ip: device.seenIp ?? null,
    last_seen_ts: device.seenTs ?? null,
  };
}
