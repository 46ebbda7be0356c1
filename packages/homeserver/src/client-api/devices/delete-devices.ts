import { deleteDevices } from '@hearth/api/client/devices/delete-devices.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { OwnerCheck } from '../../users/credentials/owner-check.ts';
import type { Sessions } from '../../users/sessions/sessions.ts';
import { challengeReply } from '../support/challenge.ts';

/** Returns the route of `POST /delete_devices` (client-server API, "Device Management"). */
export function deleteDevicesRoutes(sessions: Sessions, ownerCheck: OwnerCheck): Route[] {
  return [
    route(deleteDevices, async ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'deleteDevices', caller, from };
      const body = ownerCheck.recall(request, given);
      if (body.devices === undefined) throw missingParam("Missing member 'devices'");
      const verdict = await ownerCheck.judge(request, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await sessions.logoutDevices(caller.user, body.devices);
      return {};
    }),
  ];
}
