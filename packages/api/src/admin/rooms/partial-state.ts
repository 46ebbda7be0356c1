import { endpoint } from '../../endpoint.ts';

/** `GET /rooms/{roomIdOrAlias}/partial_state`: whether all members of a room are known, and how far their fetch is. */
export const getPartialState = endpoint({
  operation: 'getPartialState',
  method: 'GET',
  paths: ['/_synapse/admin/v1/rooms/{roomIdOrAlias}/partial_state'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
