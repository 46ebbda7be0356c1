import { ResultContexts } from '../search/context.ts';
import { messageIndexer } from '../search/indexer.ts';
import { SearchMatches } from '../search/matches.ts';
import { MessageSearch } from '../search/search.ts';
import { People } from '../user-directory/people.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { Timeline } from './timeline.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

interface SearchedDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
  readonly timeline: Timeline;
}

export type Search = ReturnType<typeof openSearch>;

/** Creates the search in messages and the user directory. */
export function openSearch({ database, names, background }: Base, domains: SearchedDomains, serverName: string) {
  const { events, heads, userRooms } = domains.rooms;
  const { visibility, erasure, newFollower, readers, history } = domains.timeline;
  const { profiles } = domains.userData;
  const { index: messageIndex, follower } = messageIndexer(database, events, newFollower);
  const matches = new SearchMatches(messageIndex, events, visibility, erasure);
  const contexts = new ResultContexts(readers, history);
  const people = new People({ database, background, profiles, heads, serverName }, newFollower);
  profiles.onChange((user, userId) =>
    background.start('updating the user directory', () => people.put([{ user, userId }])),
  );
  domains.users.accountChanges.onDeactivated((user) => people.remove(user));
  const messageSearch = new MessageSearch(names, userRooms, matches, contexts, follower);
  return { messageIndex, messageIndexer: follower, messageSearch, people };
}
