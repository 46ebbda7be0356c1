import { endpoint, federationV1 } from '../../endpoint.ts';

/** `GET /user/devices/{userId}`: the devices of a user of this server that have keys. */
export const getUserDevices = endpoint({
  operation: 'getUserDevices',
  method: 'GET',
  paths: federationV1('/user/devices/{userId}'),
  access: 'server',
  limit: 'federation',
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
