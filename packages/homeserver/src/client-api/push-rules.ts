import { getPushRuleActions, setPushRuleActions } from '@hearth/api/client/pushrules/actions.ts';
import { isPushRuleEnabled, setPushRuleEnabled } from '@hearth/api/client/pushrules/enabled.ts';
import { deletePushRule, getPushRule, getPushRulesGlobal, setPushRule } from '@hearth/api/client/pushrules/global.ts';
import { getPushRules } from '@hearth/api/client/pushrules/pushrules.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { PushRule, Ruleset } from '@hearth/protocol/push-rules/rule.ts';
import { type Route, route } from '../http/route.ts';
import type { PushRules } from '../push-rules/push-rules.ts';

/** Returns the routes for push rules (client-server API, "Push Rules: API"). */
export function pushRuleRoutes({ pushRules }: { readonly pushRules: PushRules }): Route[] {
  return [
    route(getPushRules, async ({ caller }) => ({ global: present(await pushRules.rulesetOf(caller.user)) })),
    route(getPushRulesGlobal, async ({ caller }) => present(await pushRules.rulesetOf(caller.user))),
    route(getPushRule, async ({ caller, params }) =>
      presentRule(await pushRules.rule(caller.user, params.kind, params.ruleId)),
    ),
    route(setPushRule, async ({ caller, params, query, body }) => {
      await pushRules.put(caller.user, params.kind, params.ruleId, body, query);
      return {};
    }),
    route(deletePushRule, async ({ caller, params }) => {
      await pushRules.remove(caller.user, params.kind, params.ruleId);
      return {};
    }),
    route(isPushRuleEnabled, async ({ caller, params }) => ({
      enabled: (await pushRules.rule(caller.user, params.kind, params.ruleId)).enabled,
    })),
    route(setPushRuleEnabled, async ({ caller, params, body }) => {
      await pushRules.setEnabled(caller.user, params.kind, params.ruleId, body.enabled);
      return {};
    }),
    route(getPushRuleActions, async ({ caller, params }) => ({
      actions: (await pushRules.rule(caller.user, params.kind, params.ruleId)).actions,
    })),
    route(setPushRuleActions, async ({ caller, params, body }) => {
      await pushRules.setActions(caller.user, params.kind, params.ruleId, body.actions);
      return {};
    }),
  ];
}

function present(ruleset: Ruleset): JsonObject {
  return Object.fromEntries(Object.entries(ruleset).map(([kind, rules]) => [kind, rules.map(presentRule)]));
}

function presentRule(rule: PushRule): JsonObject {
  return { ...rule };
}
