import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `GET /login`: the supported login flows. */
export const getLoginFlows = endpoint({
  operation: 'getLoginFlows',
  method: 'GET',
  paths: v3AndLegacy('/login'),
  access: 'none',
  limit: { none: 'a constant answer, the first that a client asks for' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `POST /login`. */
export const login = endpoint({
  operation: 'login',
  method: 'POST',
  paths: v3AndLegacy('/login'),
  access: 'none',
  limit: 'login',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    type: v.string(),
    identifier: v.optional(jsonObject),
    user: v.optional(v.string()),
    medium: v.optional(v.string()),
    address: v.optional(v.string()),
    password: v.optional(v.string()),
    token: v.optional(v.string()),
    device_id: v.optional(v.string()),
    initial_device_display_name: v.optional(v.string()),
    refresh_token: v.optional(v.boolean()),
  }),
});
