import { via, withReason } from '../../definitions/membership.ts';
import { endpoint, v3 } from '../../endpoint.ts';

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
