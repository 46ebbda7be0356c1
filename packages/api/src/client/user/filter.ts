import { jsonObject } from '../../definitions/json.ts';
import { endpoint, v3 } from '../../endpoint.ts';

/** `POST /user/{userId}/filter`. */
export const defineFilter = endpoint({
  operation: 'defineFilter',
  method: 'POST',
  paths: v3('/user/{userId}/filter'),
  access: 'user',
  limit: 'settings',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
  body: jsonObject,
});

/** `GET /user/{userId}/filter/{filterId}`. */
export const getFilter = endpoint({
  operation: 'getFilter',
  method: 'GET',
  paths: v3('/user/{userId}/filter/{filterId}'),
  access: 'user',
  limit: 'read',
  whenSuspended: 'allowed',
  whenLocked: 'refused',
});
