import { roomInitialSync as roomInitialSyncEndpoint } from '@hearth/api/client/rooms/initial-sync.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import { type InitialSyncDeps, roomInitialSync } from '../../sync/initial-sync.ts';

/** Returns the route of `GET /rooms/{roomId}/initialSync`. */
export function roomInitialSyncRoutes(deps: InitialSyncDeps): Route[] {
  return [
    route(roomInitialSyncEndpoint, async ({ params, query, caller: { user, device } }) =>
      jsonAnswer(await roomInitialSync(deps, { user, device, roomId: params.roomId, limit: query.limit })),
    ),
  ];
}
