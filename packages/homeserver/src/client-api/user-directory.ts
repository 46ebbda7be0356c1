import { searchUserDirectory } from '@hearth/api/client/user-directory.ts';
import { type Route, route } from '../http/route.ts';
import type { People } from '../user-directory/people.ts';
import { searchPeople } from '../user-directory/search-people.ts';

export interface UserDirectoryDeps {
  readonly people: People;
  /** Everybody on the server is found, not only those whom the asker may know of. */
  readonly searchAllUsers: boolean;
}

/** Finding people (client-server API, "User Directory"). */
export function userDirectoryRoutes({ people, searchAllUsers }: UserDirectoryDeps): Route[] {
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
