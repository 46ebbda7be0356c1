import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /pushers/set`. The required members depend on `kind`. */
export const postPusher = endpoint({
  operation: 'postPusher',
  method: 'POST',
  paths: v3('/pushers/set'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({
    kind: v.nullable(v.string()),
    app_id: v.string(),
    pushkey: v.string(),
    app_display_name: v.optional(v.string()),
    device_display_name: v.optional(v.string()),
    profile_tag: v.optional(v.nullable(v.string())),
    lang: v.optional(v.string()),
    data: v.optional(jsonObject),
    append: v.optional(v.boolean()),
  }),
});
