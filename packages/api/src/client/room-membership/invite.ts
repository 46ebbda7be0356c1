import * as v from 'valibot';
import { target } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** `POST /rooms/{roomId}/invite`, by user id or by a third-party identifier. */
export const inviteUser = endpoint({
  operation: 'inviteUser',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/invite'),
  access: 'user',
  limit: ['invite', 'event'],
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: v.union([
    v.object({
      medium: v.string(),
      address: v.string(),
      id_server: v.string(),
      id_access_token: v.optional(v.string()),
    }),
    target,
  ]),
});
