import { backfillRoom } from '@hearth/api/federation/rooms/backfill.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { ServedHistory } from '../../rooms/serving/served-history.ts';

/** Returns the route of `GET /backfill/{roomId}` (server-server API, "Backfilling and retrieving missing events"). */
export function backfillRoutes(history: ServedHistory): Route[] {
  return [
    route(
      backfillRoom,
      async ({ origin, params, query }) =>
        new RawJson(await history.backfill(origin, params.roomId, query.v, query.limit)),
    ),
  ];
}
