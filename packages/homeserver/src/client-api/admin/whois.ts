import { getWhoIs } from '@hearth/api/client/admin/whois.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../../http/route.ts';
import type { AdminView } from '../../users/admin-view.ts';
import type { Device, Devices } from '../../users/sessions/devices.ts';

/** Returns the route of `GET /admin/whois/{userId}` (client-server API, "Server Administration"). */
export function whoisRoutes(adminView: AdminView, devices: Devices): Route[] {
  return [
    route(getWhoIs, async ({ caller, params }) => {
      if (!caller.isAdmin && params.userId !== caller.userId)
        throw forbidden('Only administrators may read the sessions of other users');
      const { user, userId } = await adminView.localAccount(params.userId);
      const sessions = (await devices.list(user)).map((device) => [
        device.deviceId,
        { sessions: [renderSession(device)] },
      ]);
      return { user_id: userId, devices: Object.fromEntries(sessions) };
    }),
  ];
}

function renderSession(device: Device): JsonObject {
  if (device.seenTs === undefined) return { connections: [] };
  return { connections: [{ ip: device.seenIp, last_seen: device.seenTs, user_agent: device.seenAgent }] };
}
