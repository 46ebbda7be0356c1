import { getPushRules } from '@hearth/api/client/pushrules/pushrules.ts';
import { type Route, route } from '../../http/route.ts';
import type { PushRules } from '../../push-rules/push-rules.ts';
import { renderRuleset } from '../support/push-rules.ts';

/** Returns the route of `GET /pushrules/` (client-server API, "Push Rules: API"). */
export function pushRulesRoutes(pushRules: PushRules): Route[] {
  return [
    route(getPushRules, async ({ caller }) => ({ global: renderRuleset(await pushRules.rulesetOf(caller.user)) })),
  ];
}
