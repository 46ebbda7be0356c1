import { endpoint } from '../endpoint.ts';

/** Hides media from everybody. Scripts for other servers use the same paths. */
export const quarantineMedia = endpoint({
  operation: 'quarantineMedia',
  method: 'POST',
  paths: ['/_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});

/** Reverts {@link quarantineMedia}. */
export const unquarantineMedia = endpoint({
  operation: 'unquarantineMedia',
  method: 'POST',
  paths: ['/_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
