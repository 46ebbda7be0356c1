import { queryProfile } from '@hearth/api/federation/query/profile.ts';
import { invalidParam } from '@hearth/protocol/errors.ts';
import { parseUserId } from '@hearth/protocol/identifiers/user-id.ts';
import { type Route, route } from '../../http/route.ts';
import type { Profiles } from '../../profile/profiles.ts';

/** Returns the route of `GET /query/profile` (server-server API, "Querying for information"). */
export function queryProfileRoutes(profiles: Profiles): Route[] {
  return [
    route(queryProfile, async ({ query: { user_id, field } }) => {
      const userId = parseUserId(user_id);
      if (userId === undefined) throw invalidParam('user_id is not a user id');
      return field === undefined ? profiles.of(userId) : { [field]: await profiles.field(userId, field) };
    }),
  ];
}
