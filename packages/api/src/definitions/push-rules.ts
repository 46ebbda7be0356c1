import * as v from 'valibot';
import { jsonObject } from './json.ts';

/** The path of a push rule. */
export const rulePath = '/pushrules/global/{kind}/{ruleId}';

/** The `actions` of a push rule. */
export const ruleActions = v.pipe(v.array(v.union([v.string(), jsonObject])), v.maxLength(100));
