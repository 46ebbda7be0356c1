import { eventRelationships } from '../../definitions/event-relationships.ts';
import { endpoint } from '../../endpoint.ts';

/** `POST /event_relationships`: the events to which an event is related (MSC2836). */
export const getEventRelationships = endpoint({
  operation: 'getEventRelationships',
  method: 'POST',
  paths: ['/_matrix/client/unstable/event_relationships'],
  access: 'guest',
  limit: 'history',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: eventRelationships,
});
