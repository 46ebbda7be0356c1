import { changePassword, deactivateAccount, getTokenOwner } from '@hearth/api/client/account.ts';
import { type Route, route } from '../http/route.ts';
import type { AccountChanges } from '../users/account-changes.ts';
import type { OwnerCheck } from '../users/owner-check.ts';
import { checkPassword } from '../users/registration.ts';
import { challengeReply } from './challenge.ts';

/** The caller's own account. */
export function accountRoutes({
  accountChanges,
  ownerCheck,
}: {
  readonly accountChanges: AccountChanges;
  readonly ownerCheck: OwnerCheck;
}): Route[] {
  return [
    route(getTokenOwner, ({ caller }) => ({
      user_id: caller.userId,
      device_id: caller.deviceId,
      is_guest: caller.isGuest,
    })),
    route(changePassword, async ({ caller, body, remoteAddress: from }) => {
      checkPassword(body.new_password);
      const verdict = await ownerCheck.judge({ operation: 'changePassword', caller, from }, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await accountChanges.setPassword(caller, body.new_password, body.logout_devices);
      return {};
    }),
    route(deactivateAccount, async ({ caller, body, remoteAddress: from }) => {
      const verdict = await ownerCheck.judge({ operation: 'deactivateAccount', caller, from }, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await accountChanges.deactivate(caller, body.erase);
      return { id_server_unbind_result: 'success' };
    }),
  ];
}
