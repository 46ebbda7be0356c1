import * as v from 'valibot';
import { endpoint } from '../endpoint.ts';

const PATH = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';

/** `GET /delayed_events` (MSC4140): the caller's delayed events. */
export const getDelayedEvents = endpoint({
  operation: 'getDelayedEvents',
  method: 'GET',
  paths: [PATH],
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `POST /delayed_events/{delayId}` (MSC4140). Everybody who knows the id may cancel, restart or send the event. */
export const updateDelayedEvent = endpoint({
  operation: 'updateDelayedEvent',
  method: 'POST',
  paths: [`${PATH}/{delayId}`],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: v.object({ action: v.picklist(['cancel', 'restart', 'send']) }),
});

/** `POST /delayed_events/{delayId}/cancel` (MSC4140). */
export const cancelDelayedEvent = endpoint({
  operation: 'cancelDelayedEvent',
  method: 'POST',
  paths: [`${PATH}/{delayId}/cancel`],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `POST /delayed_events/{delayId}/restart` (MSC4140). */
export const restartDelayedEvent = endpoint({
  operation: 'restartDelayedEvent',
  method: 'POST',
  paths: [`${PATH}/{delayId}/restart`],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});

/** `POST /delayed_events/{delayId}/send` (MSC4140). */
export const sendDelayedEvent = endpoint({
  operation: 'sendDelayedEvent',
  method: 'POST',
  paths: [`${PATH}/{delayId}/send`],
  access: 'none',
  limit: 'event',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
