import * as v from 'valibot';
import { rulePath } from '../../definitions/push-rules.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /pushrules/global/{kind}/{ruleId}/enabled`. */
export const isPushRuleEnabled = endpoint({
  operation: 'isPushRuleEnabled',
  method: 'GET',
  paths: v3(`${rulePath}/enabled`),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /pushrules/global/{kind}/{ruleId}/enabled`. */
export const setPushRuleEnabled = endpoint({
  operation: 'setPushRuleEnabled',
  method: 'PUT',
  paths: v3(`${rulePath}/enabled`),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ enabled: v.boolean() }),
});
