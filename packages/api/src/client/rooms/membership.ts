import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3, v3AndLegacy } from '../../endpoint.ts';
import { list } from '../../query.ts';

const withReason = v.object({ reason: v.optional(v.string()) });
const target = v.object({ user_id: v.string(), reason: v.optional(v.string()) });
/** The body of joining requests. Other members of the body become part of the member event. */
const joining = v.looseObject({ reason: v.optional(v.string()), third_party_signed: v.optional(jsonObject) });
const via = v.object({ server_name: v.optional(list), via: v.optional(list) });

/** `POST /rooms/{roomId}/join`. */
export const joinRoomById = endpoint({
  operation: 'joinRoomById',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/join'),
  access: 'guest',
  limit: ['join', 'event'],
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: joining,
  bodyOptional: true,
});

/** `POST /join/{roomIdOrAlias}`. */
export const joinRoom = endpoint({
  operation: 'joinRoom',
  method: 'POST',
  paths: v3AndLegacy('/join/{roomIdOrAlias}'),
  access: 'guest',
  limit: ['join', 'event'],
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  query: via,
  body: joining,
  bodyOptional: true,
});

/** `POST /knock/{roomIdOrAlias}`. */
export const knockRoom = endpoint({
  operation: 'knockRoom',
  method: 'POST',
  paths: v3('/knock/{roomIdOrAlias}'),
  access: 'user',
  limit: ['join', 'event'],
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  query: via,
  body: withReason,
  bodyOptional: true,
});

/** `POST /rooms/{roomId}/leave`. */
export const leaveRoom = endpoint({
  operation: 'leaveRoom',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/leave'),
  access: 'guest',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: withReason,
  bodyOptional: true,
});

/** `POST /rooms/{roomId}/forget`. */
export const forgetRoom = endpoint({
  operation: 'forgetRoom',
  method: 'POST',
  paths: v3('/rooms/{roomId}/forget'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

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

/** `POST /rooms/{roomId}/kick`. */
export const kick = endpoint({
  operation: 'kick',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/kick'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: target,
});

/** `POST /rooms/{roomId}/ban`. */
export const ban = endpoint({
  operation: 'ban',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/ban'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: target,
});

/** `POST /rooms/{roomId}/unban`. */
export const unban = endpoint({
  operation: 'unban',
  method: 'POST',
  paths: v3AndLegacy('/rooms/{roomId}/unban'),
  access: 'user',
  limit: 'event',
  whenSuspended: 'refused',
  whenLocked: 'refused',
  ownRequestsFirst: true,
  body: target,
});
