import { getAdminSuspendUser, setAdminSuspendUser } from '@hearth/api/client/admin/suspend.ts';
import { type Route, route } from '../../http/route.ts';
import type { AccountChanges } from '../../users/account-changes.ts';
import type { AdminView } from '../../users/admin-view.ts';

/** Returns the routes of GET and PUT `/admin/suspend/{userId}` (client-server API, "Server Administration"). */
export function suspendRoutes(adminView: AdminView, accountChanges: AccountChanges): Route[] {
  return [
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
