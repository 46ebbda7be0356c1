import { endpoint } from '../endpoint.ts';

/** Hides content from everybody; scripts for other servers use these paths as well. */
export const quarantineMedia = endpoint({
  operation: 'quarantineMedia',
  method: 'POST',
  paths: ['/_synapse/admin/v1/media/quarantine/{serverName}/{mediaId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});

/** Takes {@link quarantineMedia} back. */
export const unquarantineMedia = endpoint({
  operation: 'unquarantineMedia',
  method: 'POST',
  paths: ['/_synapse/admin/v1/media/unquarantine/{serverName}/{mediaId}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
