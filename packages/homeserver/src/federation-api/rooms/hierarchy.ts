import { getSpaceHierarchyForServer } from '@hearth/api/federation/rooms/hierarchy.ts';
import type { ServedHierarchy } from '../../directory/served-hierarchy.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /hierarchy/{roomId}` (server-server API, "Spaces"). */
export function servedHierarchyRoutes(hierarchy: ServedHierarchy): Route[] {
  return [
    route(getSpaceHierarchyForServer, ({ origin, params, query }) =>
      hierarchy.of(origin, params.roomId, query.suggested_only === true),
    ),
  ];
}
