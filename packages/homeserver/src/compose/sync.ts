import type { RoomSummaries } from '../directory/room-summaries.ts';
import { ChangeLog } from '../sync/change-log.ts';
import { LazyMembersCache } from '../sync/lazy-members-cache.ts';
import { Notifier } from '../sync/notifier.ts';
import { Peeks } from '../sync/peeks.ts';
import { Connections } from '../sync/sliding/connections.ts';
import { RoomActivity } from '../sync/sliding/room-activity.ts';
import type { Activity } from './activity.ts';
import type { Base } from './base.ts';
import type { Encryption } from './encryption.ts';
import type { Rooms } from './rooms.ts';
import type { Timeline } from './timeline.ts';
import type { UserData } from './user-data.ts';
import type { Users } from './users.ts';

interface SyncedDomains {
  readonly users: Users;
  readonly userData: UserData;
  readonly rooms: Rooms;
  readonly activity: Activity;
  readonly encryption: Encryption;
  readonly timeline: Timeline;
}

/** Creates what /sync, sliding sync and the event streams use besides the other domains. */
export async function openSync({ database, stream, clock, random }: Base, { users, rooms }: SyncedDomains) {
  const { heads, userRooms, events } = rooms;
  const recent = new ChangeLog(stream, { heads, userRooms });
  const connections = new Connections({ database, clock, random });
  const peeks = await Peeks.open({ database, stream });
  users.sessions.onRemoved((_user, devices) => connections.departure(devices));
  users.sessions.onRemoved((_user, devices) => peeks.departure(devices));
  return {
    recent,
    notifier: new Notifier({ stream, heads, events, userRooms, recent, clock }),
    lazyMembers: new LazyMembersCache(),
    slidingMembers: new LazyMembersCache(),
    connections,
    peeks,
    activity: new RoomActivity({ rooms: rooms.rooms, events, stream }),
  };
}

export type Sync = Awaited<ReturnType<typeof openSync>>;

/** Returns the dependencies of the functions in `sync/` and `timeline/` that are not methods of objects yet. */
export function readingOf(base: Base, domains: SyncedDomains & { readonly sync: Sync }, summaries: RoomSummaries) {
  const { users, userData, rooms, activity, encryption, timeline, sync } = domains;
  const { erasedUsers } = users;
  return { ...base, ...rooms, ...userData, ...activity, ...encryption, ...timeline, ...sync, erasedUsers, summaries };
}

export type Reading = ReturnType<typeof readingOf>;
