import { deletePushRule, getPushRule, getPushRulesGlobal, setPushRule } from '@hearth/api/client/pushrules/global.ts';
import { type Route, route } from '../../http/route.ts';
import type { PushRules } from '../../push-rules/push-rules.ts';
import { renderRule, renderRuleset } from '../support/push-rules.ts';

/**
 * Returns the routes of `GET /pushrules/global/` and GET, PUT and DELETE `/pushrules/global/{kind}/{ruleId}`
 * (client-server API, "Push Rules: API").
 */
export function globalPushRulesRoutes(pushRules: PushRules): Route[] {
  return [
    route(getPushRulesGlobal, async ({ caller }) => renderRuleset(await pushRules.rulesetOf(caller.user))),
    route(getPushRule, async ({ caller, params }) =>
      renderRule(await pushRules.rule(caller.user, params.kind, params.ruleId)),
    ),
    route(setPushRule, async ({ caller, params, query, body }) => {
      await pushRules.put(caller.user, params.kind, params.ruleId, body, query);
      return {};
    }),
    route(deletePushRule, async ({ caller, params }) => {
      await pushRules.remove(caller.user, params.kind, params.ruleId);
      return {};
    }),
  ];
}
