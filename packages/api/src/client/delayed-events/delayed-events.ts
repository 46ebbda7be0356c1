import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';

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
