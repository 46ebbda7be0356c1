import { endpoint } from '../../endpoint.ts';

/** `POST /delayed_events/{delayId}/cancel` (MSC4140). */
export const cancelDelayedEvent = endpoint({
  operation: 'cancelDelayedEvent',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/cancel'],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
