import { deactivateAccount } from '@hearth/api/client/account/deactivate.ts';
import { type Route, route } from '../../http/route.ts';
import type { AccountChanges } from '../../users/account-changes.ts';
import type { OwnerCheck } from '../../users/credentials/owner-check.ts';
import { challengeReply } from '../support/challenge.ts';

/** Returns the route of `POST /account/deactivate`. */
export function deactivateRoutes(accountChanges: AccountChanges, ownerCheck: OwnerCheck): Route[] {
  return [
    route(deactivateAccount, async ({ caller, body: given, remoteAddress: from }) => {
      const request = { operation: 'deactivateAccount', caller, from };
      const body = ownerCheck.recall(request, given);
      const verdict = await ownerCheck.judge(request, body);
      if (!verdict.passed) return challengeReply(verdict.challenge);
      await accountChanges.deactivate(caller, body.erase ?? false);
      return { id_server_unbind_result: 'success' };
    }),
  ];
}
