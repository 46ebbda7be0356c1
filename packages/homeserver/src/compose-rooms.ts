import { eventsRoutes } from './client-api/events.ts';
import { deviceKeyRoutes } from './client-api/keys/device-keys.ts';
import { peekingRoutes } from './client-api/peeking.ts';
import { createRoomRoutes } from './client-api/rooms/create-room.ts';
import { directoryRoutes } from './client-api/rooms/directory.ts';
import { eventRoutes } from './client-api/rooms/events.ts';
import { membershipRoutes } from './client-api/rooms/membership.ts';
import { messagesRoutes } from './client-api/rooms/messages.ts';
import { relationRoutes } from './client-api/rooms/relations.ts';
import { sendRoutes } from './client-api/rooms/send.ts';
import { stateRoutes } from './client-api/rooms/state.ts';
import { slidingSyncRoutes } from './client-api/sliding-sync.ts';
import { syncRoutes } from './client-api/sync.ts';
import type { Activity, UserData } from './compose-user-data.ts';
import type { Config } from './config/schema.ts';
import type { DelayedEvents } from './delayed-events/delayed-events.ts';
import { RoomDirectory } from './directory/room-directory.ts';
import { RoomSummaries } from './directory/room-summaries.ts';
import type { Encryption } from './encryption/open-encryption.ts';
import type { Route } from './http/route.ts';
import type { Clock } from './platform/clock.ts';
import type { Random } from './platform/random.ts';
import { Verdicts } from './push-rules/verdicts.ts';
import type { Retention } from './retention/retention.ts';
import type { Rooms } from './rooms/open-rooms.ts';
import type { Database } from './storage/engine/database.ts';
import { ChangeLog } from './sync/change-log.ts';
import { LazyMembersCache } from './sync/lazy-members-cache.ts';
import { Notifier } from './sync/notifier.ts';
import { Peeks } from './sync/peeks.ts';
import { Connections } from './sync/sliding/connections.ts';
import { RoomActivity } from './sync/sliding/room-activity.ts';
import { UnreadCounts } from './unread/unread-counts.ts';
import type { ErasedUsers } from './users/erased-users.ts';

/** Creates everything that reads rooms: timelines, sync and the event streams. */
export async function openReading(
  base: {
    readonly database: Database;
    readonly clock: Clock;
    readonly random: Random;
    readonly erasedUsers: ErasedUsers;
  },
  rooms: Rooms & { readonly retention: Retention },
  userData: UserData,
  activity: Activity,
  encryption: Encryption,
) {
  const recent = new ChangeLog(rooms.stream, rooms);
  const verdicts = new Verdicts(userData.pushRules, rooms);
  return {
    ...rooms,
    ...userData,
    ...activity,
    ...encryption,
    erasedUsers: base.erasedUsers,
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

/** Returns the routes of rooms, sync and the event streams. */
export function roomRoutes(reading: Reading & { readonly delayedEvents: DelayedEvents }, config: Config): Route[] {
  const settings = {
    publicList: config.room_directory.public_list,
    directory: new RoomDirectory(reading),
  };
  return [
    ...createRoomRoutes(reading),
    ...directoryRoutes({ ...reading, ...settings }),
    ...membershipRoutes(reading),
    ...sendRoutes(reading),
    ...stateRoutes(reading),
    ...messagesRoutes(reading),
    ...eventRoutes(reading),
    ...relationRoutes(reading),
    ...syncRoutes(reading),
    ...slidingSyncRoutes(reading),
    ...peekingRoutes(reading),
    ...eventsRoutes(reading),
    ...deviceKeyRoutes(reading),
  ];
}
