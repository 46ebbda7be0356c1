import { initialSync as initialSyncEndpoint } from '@hearth/api/client/sync/initial-sync.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { type InitialSyncDeps, initialSync } from '../../sync/initial-sync.ts';

/** Returns the route of `GET /initialSync`. */
export function initialSyncRoutes(deps: InitialSyncDeps): Route[] {
  return [
    route(initialSyncEndpoint, async ({ query, caller: { user, device } }) => {
      const archived = query.archived === true;
      return jsonAnswer(await initialSync(deps, { user, device, limit: query.limit, archived }));
    }),
  ];
}
