import { endpoint } from '../endpoint.ts';

/** `GET /health`: whether the process answers; not a part of Matrix. */
export const getHealth = endpoint({
  operation: 'getHealth',
  method: 'GET',
  paths: ['/health'],
  access: 'none',
  limit: { none: 'a constant answer, which monitors ask for often' },
  whenSuspended: 'allowed',
  whenLocked: 'allowed',
});
