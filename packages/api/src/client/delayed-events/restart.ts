import { endpoint } from '../../endpoint.ts';

/** `POST /delayed_events/{delayId}/restart` (MSC4140). */
export const restartDelayedEvent = endpoint({
  operation: 'restartDelayedEvent',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/restart'],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
