import { changePassword } from '@hearth/api/client/account/password.ts';
import { missingParam } from '@hearth/protocol/errors.ts';
import { type Route, route } from '../../http/route.ts';
import type { AccountChanges } from '../../users/account-changes.ts';
import type { OwnerCheck } from '../../users/credentials/owner-check.ts';
import { checkPassword } from '../../users/registration/registration.ts';
import { challengeReply } from '../support/challenge.ts';

/** Returns the route of `POST /account/password`. */
export function passwordRoutes(accountChanges: AccountChanges, ownerCheck: OwnerCheck): Route[] {
  return [
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
  ];
}
