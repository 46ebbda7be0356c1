import { deleteDevices } from '@hearth/api/client/devices/delete-devices.ts';
import { deleteDevice, getDevice, getDevices, updateDevice } from '@hearth/api/client/devices/devices.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Answer, type Caller, type Route, route } from '../http/route.ts';
import type { GuardedBody } from '../users/credentials/interactive-auth.ts';
import type { OwnerCheck, OwnerRequest } from '../users/credentials/owner-check.ts';
import type { Device, Devices } from '../users/sessions/devices.ts';
import type { Sessions } from '../users/sessions/sessions.ts';
import { challengeReply } from './challenge.ts';

/** Returns the routes for the caller's devices (client-server API, "Device Management"). */
export function deviceRoutes({
  devices,
  sessions,
  ownerCheck,
}: {
  readonly devices: Devices;
  readonly sessions: Sessions;
  readonly ownerCheck: OwnerCheck;
}): Route[] {
  const remove = async (
    request: OwnerRequest & { readonly caller: Caller },
    ids: readonly string[],
    body: GuardedBody,
  ): Promise<Answer> => {
    const verdict = await ownerCheck.judge(request, body);
    if (!verdict.passed) return challengeReply(verdict.challenge);
    const { caller } = request;
    const wanted = new Set(ids);
    const own = (await devices.list(caller.user)).filter((device) => wanted.has(device.deviceId));
    await sessions.logout(
      caller.user,
      own.map(({ num }) => num),
    );
    return {};
  };
  return [
    route(getDevices, async ({ caller }) => ({ devices: (await devices.list(caller.user)).map(present) })),
    route(getDevice, async ({ caller, params }) => present(await devices.get(caller.user, params.deviceId))),
    route(updateDevice, async ({ caller, params, body }) => {
      if (body.display_name === undefined) await devices.get(caller.user, params.deviceId);
      else await devices.rename(caller.user, params.deviceId, body.display_name);
      return {};
    }),
    route(deleteDevice, ({ caller, params, body, remoteAddress: from }) =>
      remove({ operation: 'deleteDevice', target: params.deviceId, caller, from }, [params.deviceId], body),
    ),
    route(deleteDevices, ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'deleteDevices', caller, from };
      const body = ownerCheck.recall(request, given);
      if (body.devices === undefined) throw missingParam("Missing member 'devices'");
      return remove(request, body.devices, body);
    }),
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
