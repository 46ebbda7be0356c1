import { getAccount3PIDs } from '@hearth/api/client/account/3pid.ts';
import { deactivateAccount } from '@hearth/api/client/account/deactivate.ts';
import { changePassword } from '@hearth/api/client/account/password.ts';
import { getTokenOwner } from '@hearth/api/client/account/whoami.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../http/route.ts';
import type { AccountChanges } from '../users/account-changes.ts';
import type { OwnerCheck } from '../users/credentials/owner-check.ts';
import { checkPassword } from '../users/registration/registration.ts';
import { challengeReply } from './challenge.ts';

/** Returns the routes for the caller's own account. */
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
    route(changePassword, async ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'changePassword', caller, from };
      const body = ownerCheck.recall(request, given);
      const { new_password: password, logout_devices: endOtherSessions = true } = body;
      if (password === undefined) throw missingParam("Missing member 'new_password'");
      checkPassword(password);
      const verdict = await ownerCheck.judge(request, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await accountChanges.setPassword(caller, password, endOtherSessions);
      return {};
    }),
    route(deactivateAccount, async ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'deactivateAccount', caller, from };
      const body = ownerCheck.recall(request, given);
      const verdict = await ownerCheck.judge(request, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await accountChanges.deactivate(caller, body.erase ?? false);
      return { id_server_unbind_result: 'success' };
    }),
    // Accounts have no addresses yet. Clients request them when they start.
    route(getAccount3PIDs, () => ({ threepids: [] })),
  ];
}
