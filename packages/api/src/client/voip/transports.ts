import { endpoint } from '../../endpoint.ts';

/** The transports for group calls (MSC4143, not in the specification yet). */
export const getRtcTransports = endpoint({
  operation: 'getRtcTransports',
  method: 'GET',
  paths: ['/_matrix/client/unstable/org.matrix.msc4143/rtc/transports'],
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
