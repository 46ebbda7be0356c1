import { getPushRuleActions, setPushRuleActions } from '@hearth/api/client/pushrules/actions.ts';
import { type Route, route } from '../../http/route.ts';
import type { PushRules } from '../../push-rules/push-rules.ts';

/**
 * Returns the routes of GET and PUT `/pushrules/global/{kind}/{ruleId}/actions` (client-server API, "Push Rules:
 * API").
 */
export function pushRuleActionsRoutes(pushRules: PushRules): Route[] {
  return [
    route(getPushRuleActions, async ({ caller, params }) => ({
      actions: (await pushRules.rule(caller.user, params.kind, params.ruleId)).actions,
    })),
    route(setPushRuleActions, async ({ caller, params, body }) => {
      await pushRules.setActions(caller.user, params.kind, params.ruleId, body.actions);
      return {};
    }),
  ];
}
