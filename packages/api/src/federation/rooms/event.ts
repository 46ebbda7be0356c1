import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /event/{eventId}`: an event. */
export const getServedEvent = endpoint({
  operation: 'getEvent',
  method: 'GET',
  paths: federationV1('/event/{eventId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
