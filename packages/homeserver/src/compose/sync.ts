import { RoomSummaries } from '../directory/room-summaries.ts';
import { Verdicts } from '../push-rules/verdicts.ts';
import type { Retention } from '../retention/retention.ts';
import { ChangeLog } from '../sync/change-log.ts';
import { LazyMembersCache } from '../sync/lazy-members-cache.ts';
import { Notifier } from '../sync/notifier.ts';
import { Peeks } from '../sync/peeks.ts';
import { Connections } from '../sync/sliding/connections.ts';
import { RoomActivity } from '../sync/sliding/room-activity.ts';
import { UnreadCounts } from '../unread/unread-counts.ts';
import type { ErasedUsers } from '../users/erased-users.ts';
import type { Base } from './base.ts';
import type { Encryption } from './encryption.ts';
import type { Rooms } from './rooms.ts';
import type { Activity, UserData } from './user-data.ts';

/** Creates everything that reads rooms: timelines, sync and the event streams. */
export async function openReading(
  base: Base & { readonly erasedUsers: ErasedUsers },
  roomsAlone: Rooms & { readonly retention: Retention; readonly serverName: string },
  userData: UserData,
  activity: Activity,
  encryption: Encryption,
) {
  const rooms = { ...base, ...roomsAlone };
  const recent = new ChangeLog(rooms.stream, rooms);
  const verdicts = new Verdicts(userData.pushRules, rooms);
  return {
    ...rooms,
    ...userData,
    ...activity,
    ...encryption,
    recent,
    verdicts,
    notifier: new Notifier({ ...rooms, recent }),
    lazyMembers: new LazyMembersCache(),
    connections: new Connections(base),
    peeks: await Peeks.open(rooms),
    slidingMembers: new LazyMembersCache(),
    activity: new RoomActivity(rooms),
    summaries: new RoomSummaries(rooms),
    unread: new UnreadCounts({ ...rooms, ...userData, receipts: activity.receipts, verdicts }),
  };
}

export type Reading = Awaited<ReturnType<typeof openReading>>;
