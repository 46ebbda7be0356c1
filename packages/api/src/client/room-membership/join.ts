import * as v from 'valibot';
import { jsonObject } from '../../definitions/json.ts';
import { via } from '../../definitions/membership.ts';
import { endpoint, v3AndLegacy } from '../../endpoint.ts';

/** The body of joining requests. Other members of the body become part of the member event. */
const joining = v.looseObject({ reason: v.optional(v.string()), third_party_signed: v.optional(jsonObject) });

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
