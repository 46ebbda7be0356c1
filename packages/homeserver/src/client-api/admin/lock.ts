import { getAdminLockUser, setAdminLockUser } from '@hearth/api/client/admin/lock.ts';
import { type Route, route } from '../../http/route.ts';
import type { AccountChanges } from '../../users/account-changes.ts';
import type { AdminView } from '../../users/admin-view.ts';

/** Returns the routes of GET and PUT `/admin/lock/{userId}` (client-server API, "Server Administration"). */
export function lockRoutes(adminView: AdminView, accountChanges: AccountChanges): Route[] {
  return [
    route(getAdminLockUser, async ({ params }) => ({ locked: (await adminView.target(params.userId)).isLocked })),
    route(setAdminLockUser, async ({ params, body }) => {
      const { user } = await adminView.targetForChange(params.userId);
      await accountChanges.setLocked(user, body.locked);
      return { locked: body.locked };
    }),
  ];
}
