import { destinationRoutes } from '../admin-api/federation/destinations.ts';
import { resetConnectionRoutes } from '../admin-api/federation/reset-connection.ts';
import { destinationRoomsRoutes } from '../admin-api/federation/rooms.ts';
import { healthRoutes } from '../admin-api/health.ts';
import { quarantineRoutes } from '../admin-api/media/quarantine.ts';
import { unquarantineRoutes } from '../admin-api/media/unquarantine.ts';
import { sharedSecretRoutes } from '../admin-api/register.ts';
import { forwardExtremitiesRoutes } from '../admin-api/rooms/forward-extremities.ts';
import { partialStateRoutes } from '../admin-api/rooms/partial-state.ts';
import { sendServerNoticeRoutes } from '../admin-api/send-server-notice.ts';
import type { Route } from '../http/route.ts';
import type { HeapWatch } from '../platform/monitoring/heap-watch.ts';
import type { Domains } from './domains.ts';
import type { Federation } from './federation.ts';

/** Returns the routes of the folder `admin`. */
export function adminRoutes(
  { users, media, rooms, serverNotices }: Domains,
  federation: Federation | undefined,
  heap: HeapWatch,
): Route[] {
  return [
    ...destinationRoutes(federation?.destinationList),
    ...resetConnectionRoutes(federation?.destinationList),
    ...destinationRoomsRoutes(federation?.destinationList, federation?.servers),
    ...healthRoutes([heap]),
    ...quarantineRoutes(media.contents),
    ...unquarantineRoutes(media.contents),
    ...sharedSecretRoutes(users.sharedSecret, users.sessions),
    ...forwardExtremitiesRoutes(rooms.heads, rooms.aliases),
    ...partialStateRoutes(rooms.heads, rooms.aliases, rooms.partialStates),
    ...sendServerNoticeRoutes(serverNotices),
  ];
}
