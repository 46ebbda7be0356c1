import { endpoint, v3 } from '../endpoint.ts';

/** `GET /voip/turnServer`. */
export const getTurnServer = endpoint({
  operation: 'getTurnServer',
  method: 'GET',
  paths: v3('/voip/turnServer'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

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
