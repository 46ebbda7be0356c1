import { endpoint } from '../../endpoint.ts';

/** `GET /rooms/{roomIdOrAlias}/forward_extremities`: the events of a room that no other event follows. */
export const listForwardExtremities = endpoint({
  operation: 'listForwardExtremities',
  method: 'GET',
  paths: ['/_synapse/admin/v1/rooms/{roomIdOrAlias}/forward_extremities'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
