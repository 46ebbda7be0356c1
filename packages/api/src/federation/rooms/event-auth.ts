import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /event_auth/{roomId}/{eventId}`: the auth chain of an event. */
export const getEventAuth = endpoint({
  operation: 'getEventAuth',
  method: 'GET',
  paths: federationV1('/event_auth/{roomId}/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
