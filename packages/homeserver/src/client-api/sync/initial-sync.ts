import { initialSync as initialSyncEndpoint } from '@hearth/api/client/sync/initial-sync.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { InitialSync } from '../../sync/initial/initial-sync.ts';

/** Returns the route of `GET /initialSync`. */
export function initialSyncRoutes(initialSync: InitialSync): Route[] {
  return [
    route(initialSyncEndpoint, async ({ query, caller: { user, device } }) => {
      const archived = query.archived === true;
      return jsonAnswer(await initialSync.respond({ user, device, limit: query.limit, archived }));
    }),
  ];
}
