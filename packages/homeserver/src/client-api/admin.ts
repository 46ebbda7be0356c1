import { getAdminLockUser, setAdminLockUser } from '@hearth/api/client/admin/lock.ts';
import { getAdminSuspendUser, setAdminSuspendUser } from '@hearth/api/client/admin/suspend.ts';
import { getWhoIs } from '@hearth/api/client/admin/whois.ts';
import { forbidden } from '@hearth/protocol/errors.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import { type Route, route } from '../http/route.ts';
import type { AccountChanges } from '../users/account-changes.ts';
import type { AdminView } from '../users/admin-view.ts';
import type { Device, Devices } from '../users/sessions/devices.ts';

/** Returns the routes for administration in the specification (client-server API, "Server Administration"). */
export function adminRoutes({
  adminView,
  accountChanges,
  devices,
}: {
  readonly adminView: AdminView;
  readonly accountChanges: AccountChanges;
  readonly devices: Devices;
}): Route[] {
  return [
    route(getWhoIs, async ({ caller, params }) => {
      if (!caller.isAdmin && params.userId !== caller.userId) throw forbidden('You may only ask about yourself');
      const { user, userId } = await adminView.localAccount(params.userId);
      const sessions = (await devices.list(user)).map((device) => [device.deviceId, { sessions: [sessionOf(device)] }]);
      return { user_id: userId, devices: Object.fromEntries(sessions) };
    }),
    route(getAdminLockUser, async ({ params }) => ({ locked: (await adminView.target(params.userId)).isLocked })),
    route(setAdminLockUser, async ({ params, body }) => {
      const { user } = await adminView.targetForChange(params.userId);
      await accountChanges.setLocked(user, body.locked);
      return { locked: body.locked };
    }),
    route(getAdminSuspendUser, async ({ params }) => ({
      suspended: (await adminView.target(params.userId)).isSuspended,
    })),
    route(setAdminSuspendUser, async ({ params, body }) => {
      const { user } = await adminView.targetForChange(params.userId);
      await accountChanges.setSuspended(user, body.suspended);
      return { suspended: body.suspended };
    }),
  ];
}

function sessionOf(device: Device): JsonObject {
  if (device.seenTs === undefined) return { connections: [] };
  return { connections: [{ ip: device.seenIp, last_seen: device.seenTs, user_agent: device.seenAgent }] };
}
