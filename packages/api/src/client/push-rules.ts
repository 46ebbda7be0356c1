import * as v from 'valibot';
import { jsonObject } from '../definitions/json.ts';
import { endpoint, v3 } from '../endpoint.ts';

const rule = '/pushrules/global/{kind}/{ruleId}';
const action = v.union([v.string(), jsonObject]);
const actions = v.pipe(v.array(action), v.maxLength(100));

/** `GET /pushrules/`, also without the final slash, because clients leave it out. */
export const getPushRules = endpoint({
  operation: 'getPushRules',
  method: 'GET',
  paths: [...v3('/pushrules/'), ...v3('/pushrules')],
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /pushrules/global/`. */
export const getPushRulesGlobal = endpoint({
  operation: 'getPushRulesGlobal',
  method: 'GET',
  paths: [...v3('/pushrules/global/'), ...v3('/pushrules/global')],
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /pushrules/global/{kind}/{ruleId}`. */
export const getPushRule = endpoint({
  operation: 'getPushRule',
  method: 'GET',
  paths: v3(rule),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /pushrules/global/{kind}/{ruleId}`. */
export const setPushRule = endpoint({
  operation: 'setPushRule',
  method: 'PUT',
  paths: v3(rule),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ before: v.optional(v.string()), after: v.optional(v.string()) }),
  body: v.object({
    actions,
    conditions: v.optional(v.pipe(v.array(jsonObject), v.maxLength(100))),
    pattern: v.optional(v.string()),
  }),
});

/** `DELETE /pushrules/global/{kind}/{ruleId}`. */
export const deletePushRule = endpoint({
  operation: 'deletePushRule',
  method: 'DELETE',
  paths: v3(rule),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /pushrules/global/{kind}/{ruleId}/enabled`. */
export const isPushRuleEnabled = endpoint({
  operation: 'isPushRuleEnabled',
  method: 'GET',
  paths: v3(`${rule}/enabled`),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /pushrules/global/{kind}/{ruleId}/enabled`. */
export const setPushRuleEnabled = endpoint({
  operation: 'setPushRuleEnabled',
  method: 'PUT',
  paths: v3(`${rule}/enabled`),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ enabled: v.boolean() }),
});

/** `GET /pushrules/global/{kind}/{ruleId}/actions`. */
export const getPushRuleActions = endpoint({
  operation: 'getPushRuleActions',
  method: 'GET',
  paths: v3(`${rule}/actions`),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /pushrules/global/{kind}/{ruleId}/actions`. */
export const setPushRuleActions = endpoint({
  operation: 'setPushRuleActions',
  method: 'PUT',
  paths: v3(`${rule}/actions`),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ actions }),
});
