import { endpoint } from '../../endpoint.ts';

/** `POST /delayed_events/{delayId}/send` (MSC4140). */
export const sendDelayedEvent = endpoint({
  operation: 'sendDelayedEvent',
  method: 'POST',
  paths: ['/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{delayId}/send'],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
