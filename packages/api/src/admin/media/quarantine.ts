import { endpoint } from '../../endpoint.ts';

/**
 * `POST /media/quarantine/{serverName}/{mediaId}`: hides media from everybody. Scripts for other servers use the same
 * path.
 */
export const quarantineMedia = endpoint({
  operation: 'quarantineMedia',
  method: 'POST',
  paths: ['/_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
