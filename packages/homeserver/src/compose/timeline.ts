import { ThreadFollowing } from '../push-rules/thread-following.ts';
import { Verdicts } from '../push-rules/verdicts.ts';
import { Retention, type RetentionSettings } from '../retention/retention.ts';
import { readableEvent } from '../timeline/context.ts';
import { Erasure } from '../timeline/erasure.ts';
import { Follower, type NewFollower } from '../timeline/follower.ts';
import { EventRenderer } from '../timeline/hydrate.ts';
import { Visibility } from '../timeline/visibility.ts';
import { UnreadCounts } from '../unread/unread-counts.ts';
import type { Activity } from './activity.ts';
import type { Base } from './base.ts';
import type { Rooms } from './rooms.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

/** The domains that the history of rooms is read with. */
interface ReadDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
  readonly activity: Activity;
}

export type Timeline = ReturnType<typeof openTimeline>;

/** Creates the objects that read the history of rooms for a user. */
export function openTimeline(base: Base, domains: ReadDomains, retentionSettings: RetentionSettings | undefined) {
  const { database, names, stream, clock, background } = base;
  const { heads, userRooms, events, states, timelines } = domains.rooms;
  const { pushRules, ignoredUsers } = domains.userData;
  const { erasedUsers } = domains.users;
  const { receipts } = domains.activity;
  const retention = new Retention(retentionSettings, heads, clock);
  const verdicts = new Verdicts(pushRules, new ThreadFollowing(database, events));
  const newFollower: NewFollower = (name, process) =>
    new Follower({ database, stream, timelines, events, clock, background }, name, process);
  return {
    retention,
    verdicts,
    visibility: new Visibility({ names, events, states, userRooms, retention }),
    erasure: new Erasure({ erasedUsers, userRooms, heads, events }),
    unread: new UnreadCounts({ receipts, verdicts, events, timelines, stream, ignoredUsers }),
    renderer: new EventRenderer({ ...domains.rooms, names, clock, erasedUsers, retention }),
    readableEvent: (user: number, eventId: string, roomId?: string) =>
      readableEvent({ ...domains.rooms, names, retention }, user, eventId, roomId),
    newFollower,
  };
}
