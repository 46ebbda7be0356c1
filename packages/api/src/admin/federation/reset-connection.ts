import { endpoint } from '../../endpoint.ts';

/** `POST /federation/destinations/{destination}/reset_connection`: tries a server that does not answer again at once. */
export const resetConnection = endpoint({
  operation: 'resetConnection',
  method: 'POST',
  paths: ['/_synapse/admin/v1/federation/destinations/{destination}/reset_connection'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
