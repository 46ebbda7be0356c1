import * as v from 'valibot';
import { ruleActions, rulePath } from '../../definitions/push-rules.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /pushrules/global/{kind}/{ruleId}/actions`. */
export const getPushRuleActions = endpoint({
  operation: 'getPushRuleActions',
  method: 'GET',
  paths: v3(`${rulePath}/actions`),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /pushrules/global/{kind}/{ruleId}/actions`. */
export const setPushRuleActions = endpoint({
  operation: 'setPushRuleActions',
  method: 'PUT',
  paths: v3(`${rulePath}/actions`),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ actions: ruleActions }),
});
