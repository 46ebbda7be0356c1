import { getSpaceHierarchy } from '@hearth/api/client/directory/hierarchy.ts';
import { hierarchy } from '../../directory/hierarchy.ts';
import type { SummaryDeps } from '../../directory/room-summaries.ts';
import { type Route, route } from '../../http/route.ts';

/** Returns the route of `GET /rooms/{roomId}/hierarchy`. */
export function hierarchyRoutes(deps: SummaryDeps): Route[] {
  return [
    route(getSpaceHierarchy, ({ params, query, caller }) => {
      const { limit, from, max_depth: maxDepth } = query;
      return hierarchy(deps, caller.user, params.roomId, {
        suggestedOnly: query.suggested_only === true,
        limit,
        from,
        maxDepth,
      });
    }),
  ];
}
