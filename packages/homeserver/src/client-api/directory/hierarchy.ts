import { getSpaceHierarchy } from '@hearth/api/client/directory/hierarchy.ts';
import type { Hierarchy } from '../../directory/hierarchy.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /rooms/{roomId}/hierarchy`. */
export function hierarchyRoutes(hierarchy: Hierarchy): Route[] {
  return [
    route(getSpaceHierarchy, ({ params, query, caller }) => {
      const { limit, from, max_depth: maxDepth } = query;
      return hierarchy.page(caller.user, params.roomId, {
        suggestedOnly: query.suggested_only === true,
        limit,
        from,
        maxDepth,
      });
    }),
  ];
}
