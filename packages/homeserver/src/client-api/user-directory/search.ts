import { searchUserDirectory } from '@hearth/api/client/user-directory/search.ts';
import { type Route, route } from '../../http/route.ts';
import type { People } from '../../user-directory/people.ts';
import { searchPeople } from '../../user-directory/search-people.ts';

/**
 * Returns the route of `POST /user_directory/search` (client-server API, "User Directory").
 * @param searchAllUsers whether searches find all users of the server instead of only those that the caller may know of
 */
export function userDirectorySearchRoutes(people: People, searchAllUsers: boolean): Route[] {
  return [
    route(searchUserDirectory, async ({ body, caller }) => {
      const query = { user: caller.user, term: body.search_term, limit: body.limit };
      const { results, limited } = await searchPeople(people, searchAllUsers, query);
      return {
        results: results.map(({ user_id, display_name, avatar_url }) => ({
          user_id,
          ...(display_name === null ? {} : { display_name }),
          ...(avatar_url === null ? {} : { avatar_url }),
        })),
        limited,
      };
    }),
  ];
}
