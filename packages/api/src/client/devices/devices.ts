import * as v from 'valibot';
import { auth } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `GET /devices`. */
export const getDevices = endpoint({
  operation: 'getDevices',
  method: 'GET',
  paths: v3('/devices'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `GET /devices/{deviceId}`. */
export const getDevice = endpoint({
  operation: 'getDevice',
  method: 'GET',
  paths: v3('/devices/{deviceId}'),
  access: 'guest',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});

/** `PUT /devices/{deviceId}`. */
export const updateDevice = endpoint({
  operation: 'updateDevice',
  method: 'PUT',
  paths: v3('/devices/{deviceId}'),
  access: 'guest',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ display_name: v.optional(v.string()) }),
});

/** `DELETE /devices/{deviceId}`. */
export const deleteDevice = endpoint({
  operation: 'deleteDevice',
  method: 'DELETE',
  paths: v3('/devices/{deviceId}'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: v.object({ auth }),
  bodyOptional: true,
});
