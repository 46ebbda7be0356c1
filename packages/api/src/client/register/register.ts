import * as v from 'valibot';
import { auth } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /register`: registers an account, or a guest account. */
export const register = endpoint({
  operation: 'register',
  method: 'POST',
  paths: v3('/register'),
  access: 'none',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  query: v.object({ kind: v.optional(v.picklist(['guest', 'user'], 'must be guest or user'), 'user') }),
  body: v.object({
    /** `m.login.application_service` for requests of application services. */
    type: v.optional(v.string()),
    auth,
    username: v.optional(v.string()),
    password: v.optional(v.string()),
    guest_access_token: v.optional(v.string()),
    device_id: v.optional(v.string()),
    initial_device_display_name: v.optional(v.string()),
    inhibit_login: v.optional(v.boolean()),
    refresh_token: v.optional(v.boolean()),
  }),
});

/** `GET /register` of the first API: the registration flows. */
export const legacyRegisterFlows = endpoint({
  operation: 'legacyRegisterFlows',
  method: 'GET',
  paths: ['/_matrix/client/api/v1/register'],
  access: 'none',
  limit: { none: 'a constant answer, the first that a client asks for' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `POST /register` of the first API. */
export const legacyRegister = endpoint({
  operation: 'legacyRegister',
  method: 'POST',
  paths: ['/_matrix/client/api/v1/register'],
  access: 'none',
  limit: 'registration',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({
    type: v.picklist(['m.login.password'], 'must be m.login.password'),
    user: v.optional(v.string()),
    password: v.string(),
  }),
});
