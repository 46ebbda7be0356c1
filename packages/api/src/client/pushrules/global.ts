import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { ruleActions, rulePath } from '../../definitions/push-rules.ts';
import { endpoint, v3 } from '../../endpoint.ts';

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
  paths: v3(rulePath),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /pushrules/global/{kind}/{ruleId}`. */
export const setPushRule = endpoint({
  operation: 'setPushRule',
  method: 'PUT',
  paths: v3(rulePath),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  query: v.object({ before: v.optional(v.string()), after: v.optional(v.string()) }),
  body: v.object({
    actions: ruleActions,
    conditions: v.optional(v.pipe(v.array(jsonObject), v.maxLength(100))),
    pattern: v.optional(v.string()),
  }),
});

/** `DELETE /pushrules/global/{kind}/{ruleId}`. */
export const deletePushRule = endpoint({
  operation: 'deletePushRule',
  method: 'DELETE',
  paths: v3(rulePath),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
