import { getEventRelationshipsForServer } from '@hearth/api/federation/rooms/event-relationships.ts';
import { jsonAnswer, type Route, route } from '../../http/route.ts';
import type { ServedRelationships } from '../../rooms/serving/served-relationships.ts';

/** Returns the route of `POST /event_relationships` (MSC2836). */
export function servedRelationshipsRoutes(relationships: ServedRelationships): Route[] {
  return [
    route(getEventRelationshipsForServer, async ({ origin, body }) =>
      jsonAnswer(await relationships.around(origin, body.event_id, body)),
    ),
  ];
}
