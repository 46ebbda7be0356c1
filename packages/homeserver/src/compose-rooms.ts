import { eventsRoutes } from './client-api/events.ts';
import { createRoomRoutes } from './client-api/rooms/create-room.ts';
import { eventRoutes } from './client-api/rooms/events.ts';
import { membershipRoutes } from './client-api/rooms/membership.ts';
import { messagesRoutes } from './client-api/rooms/messages.ts';
import { relationRoutes } from './client-api/rooms/relations.ts';
import { sendRoutes } from './client-api/rooms/send.ts';
import { stateRoutes } from './client-api/rooms/state.ts';
import { syncRoutes } from './client-api/sync.ts';
import type { Activity, UserData } from './compose-user-data.ts';
import type { Route } from './http/route.ts';
import { UnreadCounts } from './push/unread-counts.ts';
import { Verdicts } from './push/verdicts.ts';
import type { Rooms } from './rooms/open-rooms.ts';
import { LazyMembersCache } from './sync/lazy-members-cache.ts';
import { Notifier } from './sync/notifier.ts';
import { RecentChanges } from './sync/recent-changes.ts';

/** What reads rooms: timelines, sync and the streams. */
export function openReading(rooms: Rooms, userData: UserData, activity: Activity) {
  const recent = new RecentChanges(rooms.stream);
  const verdicts = new Verdicts(userData.pushRules);
  return {
    ...rooms,
    ...userData,
    ...activity,
    recent,
    notifier: new Notifier({ ...rooms, recent }),
    lazyMembers: new LazyMembersCache(),
    unread: new UnreadCounts({ ...rooms, receipts: activity.receipts, verdicts }),
  };
}

export type Reading = ReturnType<typeof openReading>;

/** The endpoints of rooms, of sync and of the streams. */
export function roomRoutes(reading: Reading): Route[] {
  return [
    ...createRoomRoutes(reading),
    ...membershipRoutes(reading),
    ...sendRoutes(reading),
    ...stateRoutes(reading),
    ...messagesRoutes(reading),
    ...eventRoutes(reading),
    ...relationRoutes(reading),
    ...syncRoutes(reading),
    ...eventsRoutes(reading),
  ];
}
