import { queryProfile } from '@hearth/api/federation/query/profile.ts';
import { type Route, route } from '../../http/route.ts';
import type { Profiles } from '../../profile/profiles.ts';

/** Returns the route of `GET /query/profile` (server-server API, "Querying for information"). */
export function queryProfileRoutes(profiles: Profiles): Route[] {
  return [
    route(queryProfile, async ({ query: { user_id: userId, field } }) =>
      field === undefined ? profiles.of(userId) : { [field]: await profiles.field(userId, field) },
    ),
  ];
}
