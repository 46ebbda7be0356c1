import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { SharedRooms } from '../../../src/rooms/membership/shared-rooms.ts';
import { ServersInRooms } from '../../../src/rooms/remote/servers-in-room.ts';
import { RoomServers } from '../../../src/storage/rooms/room-servers.ts';
import type { Engine } from '../../storage/engines.ts';
import { NO_PEEKS } from '../../support/no-peeks.ts';
import { storedName } from '../../support/stored-name.ts';
import { openWorld, type Person } from '../../support/world.ts';

/** An EDU that was queued for a server. */
export interface QueuedEdu {
  readonly server: string;
  readonly key: string;
  readonly edu: JsonObject;
}

export type SharedWorld = Awaited<ReturnType<typeof openSharedWorld>>;

/**
 * Opens rooms that users of other servers can join, with a queue that records the EDUs for these servers.
 * @param serverName the name of this server
 */
export async function openSharedWorld(engine: Engine, serverName = 'test.local') {
  const world = await openWorld(engine);
  const { database, names, heads, userRooms, partialStates } = world;
  const roomServers = new RoomServers(database);
  const servers = new ServersInRooms({ heads, names, roomServers }, { partialStates, peeks: NO_PEEKS }, serverName);
  const sharedRooms = new SharedRooms({ heads, names, userRooms, servers, partialStates });
  const queued: QueuedEdu[] = [];
  return {
    ...world,
    servers,
    sharedRooms,
    queued,
    queue: { queueEdu: (server: string, key: string, edu: JsonObject) => queued.push({ server, key, edu }) },
    /** Returns a user of another server. */
    async stranger(userId: string): Promise<Person> {
      return { userId, user: await storedName(database, names, userId), device: 0, isGuest: false };
    },
    /** Returns the queued EDUs of a type, as servers with contents, and forgets them. */
    taken(type: string): [server: string, content: unknown][] {
      const found = queued.filter(({ edu }) => asString(edu.edu_type) === type);
      queued.splice(0, queued.length, ...queued.filter(({ edu }) => asString(edu.edu_type) !== type));
      return found.map(({ server, edu }) => [server, edu.content]);
    },
  };
}
