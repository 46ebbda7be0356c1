import * as v from 'valibot';
import { endpoint } from '../../endpoint.ts';
import { natural } from '../../query.ts';

/** The values by which the list of destinations can be ordered. */
const ORDERS = [
  'destination',
  'retry_last_ts',
  'retry_interval',
  'failure_ts',
  'last_successful_stream_ordering',
] as const;

/**
 * `GET /federation/destinations`: the other servers, and which of them do not answer. Scripts for other servers use the
 * same path.
 */
export const listDestinations = endpoint({
  operation: 'listDestinations',
  method: 'GET',
  paths: ['/_synapse/admin/v1/federation/destinations'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
  query: v.object({
    from: v.optional(natural, '0'),
    limit: v.optional(natural, '100'),
    destination: v.optional(v.string()),
    order_by: v.optional(v.picklist(ORDERS, `must be one of ${ORDERS.join(', ')}`), 'destination'),
    dir: v.optional(v.picklist(['f', 'b'], 'must be f or b'), 'f'),
  }),
});

/** `GET /federation/destinations/{destination}`: the state of one other server. */
export const getDestination = endpoint({
  operation: 'getDestination',
  method: 'GET',
  paths: ['/_synapse/admin/v1/federation/destinations/{destination}'],
  access: 'admin',
  limit: { none: 'only administrators may call it' },
  whenSuspended: 'refused',
  whenLocked: 'refused',
});
