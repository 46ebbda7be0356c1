import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

const thirdPartyInvite = v.object({
  id_server: v.string(),
  id_access_token: v.optional(v.string()),
  medium: v.string(),
  address: v.string(),
});

/** `POST /createRoom`. */
export const createRoom = endpoint({
  operation: 'createRoom',
  method: 'POST',
  paths: v3AndLegacy('/createRoom'),
  access: 'user',
  limit: ['room-creation', 'event'],
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: v.object({
    visibility: v.optional(v.picklist(['public', 'private'])),
    room_alias_name: v.optional(v.string()),
    name: v.optional(v.string()),
    topic: v.optional(v.string()),
    invite: v.optional(v.array(v.string())),
    invite_3pid: v.optional(v.array(thirdPartyInvite)),
    room_version: v.optional(v.string()),
    creation_content: v.optional(jsonObject),
    initial_state: v.optional(
      v.array(v.object({ type: v.string(), state_key: v.optional(v.string()), content: jsonObject })),
    ),
    preset: v.optional(v.picklist(['private_chat', 'public_chat', 'trusted_private_chat'])),
    is_direct: v.optional(v.boolean()),
    power_level_content_override: v.optional(jsonObject),
  }),
  bodyOptional: true,
});
