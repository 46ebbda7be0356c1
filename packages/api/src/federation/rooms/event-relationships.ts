import { eventRelationships } from '../../definitions/event-relationships.ts';
import { endpoint } from '../../endpoint.ts';

/** `POST /event_relationships`: the events to which an event is related (MSC2836). */
export const getEventRelationshipsForServer = endpoint({
  operation: 'getEventRelationshipsForServer',
  method: 'POST',
  paths: ['/_matrix/federation/unstable/event_relationships'],
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
  body: eventRelationships,
});
