import { getMissingPreviousEvents } from '@hearth/api/federation/rooms/get-missing-events.ts';
import { RawJson, type Route, route } from '../../http/route.ts';
import type { ServedHistory } from '../../rooms/serving/served-history.ts';

/** Returns the route of `POST /get_missing_events/{roomId}` (server-server API, "Backfilling and retrieving missing events"). */
export function missingEventsRoutes(history: ServedHistory): Route[] {
  return [
    route(getMissingPreviousEvents, async ({ origin, params, body }) => {
      const { latest_events: latest, earliest_events: earliest, limit, min_depth: minDepth } = body;
      return new RawJson(await history.missing(origin, params.roomId, { latest, earliest, limit, minDepth }));
    }),
  ];
}
