import { resetConnection } from '@hearth/api/admin/federation/reset-connection.ts';
import { matrixError } from '@hearth/protocol/errors.ts';
import { knownDestination } from '../../client-api/support/known-destination.ts';
import type { DestinationList } from '../../federation/sending/destination-list.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `POST /federation/destinations/{destination}/reset_connection`. */
export function resetConnectionRoutes(list: DestinationList | undefined): Route[] {
  return [
    route(resetConnection, async ({ params }) => {
      await knownDestination(list, params.destination);
      if (list?.reset(params.destination) !== true)
        throw matrixError('M_UNKNOWN', 'The server does not wait to try this destination again', { status: 400 });
      return {};
    }),
  ];
}
