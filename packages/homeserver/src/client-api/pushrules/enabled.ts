import { isPushRuleEnabled, setPushRuleEnabled } from '@hearth/api/client/pushrules/enabled.ts';
import { type Route, route } from '../../http/route.ts';
import type { PushRules } from '../../push-rules/push-rules.ts';

/**
 * Returns the routes of GET and PUT `/pushrules/global/{kind}/{ruleId}/enabled` (client-server API, "Push Rules:
 * API").
 */
export function pushRuleEnabledRoutes(pushRules: PushRules): Route[] {
  return [
    route(isPushRuleEnabled, async ({ caller, params }) => ({
      enabled: (await pushRules.rule(caller.user, params.kind, params.ruleId)).enabled,
    })),
    route(setPushRuleEnabled, async ({ caller, params, body }) => {
      await pushRules.setEnabled(caller.user, params.kind, params.ruleId, body.enabled);
      return {};
    }),
  ];
}
