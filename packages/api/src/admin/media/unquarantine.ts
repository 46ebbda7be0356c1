import { endpoint } from '../../endpoint.ts';

/** `POST /media/unquarantine/{serverName}/{mediaId}`: lifts a quarantine. */
export const unquarantineMedia = endpoint({
  operation: 'unquarantineMedia',
  method: 'POST',
  paths: ['/_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
