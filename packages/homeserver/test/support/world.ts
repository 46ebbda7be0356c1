import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { openActivity } from '../../src/compose/activity.ts';
import type { Base } from '../../src/compose/base.ts';
import { openDirectory } from '../../src/compose/directory.ts';
import { openEncryption } from '../../src/compose/encryption.ts';
import { openPush } from '../../src/compose/push.ts';
import { openRooms, type Rooms } from '../../src/compose/rooms.ts';
import { openSearch } from '../../src/compose/search.ts';
import { openServices } from '../../src/compose/services.ts';
import { openSync } from '../../src/compose/sync.ts';
import { openTimeline } from '../../src/compose/timeline.ts';
import { openUserData } from '../../src/compose/user-data.ts';
import { DAY_MS } from '../../src/platform/clock.ts';
import { Background } from '../../src/platform/concurrency/background.ts';
import { noMetrics } from '../../src/platform/monitoring/metrics.ts';
import type { RetentionSettings } from '../../src/retention/retention.ts';
import { readerOf } from '../../src/rooms/access.ts';
import type { CreationSettings } from '../../src/rooms/creation/create.ts';
import type { RoomOptions } from '../../src/rooms/creation/initial-events.ts';
import type { Head } from '../../src/rooms/head.ts';
import { GuestAccess } from '../../src/rooms/membership/guest-access.ts';
import { Names } from '../../src/storage/engine/names.ts';
import { Stream } from '../../src/storage/engine/stream.ts';
import type { StoredEvent } from '../../src/storage/rooms/events/stored-event.ts';
import type { Engine } from '../storage/engines.ts';
import { openDomain } from './domain.ts';

/** Somebody who acts. */
export interface Person {
  readonly userId: string;
  readonly user: number;
  readonly device: number;
  readonly isGuest: boolean;
}

export type World = Awaited<ReturnType<typeof openWorldOn>>;

export type WorldServices = ReturnType<World['openServices']>;

/** Rooms and everything that reads them, over a fresh database and without HTTP. */
export async function openWorld(engine: Engine, retentionSettings?: RetentionSettings): Promise<World> {
  return openWorldOn(await openDomain(engine), retentionSettings);
}

/** The same world with nothing in memory, as after a restart; for reading only, as long as the other one is there. */
export async function reopenWorld({ database, clock, random, users, end }: Domain): Promise<World> {
  const [names, stream] = [await Names.open(database), await Stream.open(database)];
  return openWorldOn({ database, names, stream, clock, random, users, end });
}

type Domain = Awaited<ReturnType<typeof openDomain>>;

async function openWorldOn(domain: Domain, retentionSettings?: RetentionSettings) {
  const { clock, users } = domain;
  const faults: unknown[] = [];
  const background = new Background(clock, { error: (_message, fields) => faults.push(fields?.error) });
  const userData = openUserData(domain, users);
  const aboutUsers = {
    profileOf: (userId: string) => userData.profiles.profileOf(userId),
    blocksInvites: (userId: string, inviter: string) => userData.invitePermission.blocks(userId, inviter),
  };
  const settings = {
    serverName: 'test.local',
    defaultRoomVersion: '10',
    onlyAdministratorsPublish: false,
    applicationServices: {
      checkAlias: () => undefined,
      ownsAlias: () => false,
      createsAlias: () => Promise.resolve(false),
    },
  };
  const rooms = await openRooms(domain, aboutUsers, settings);
  const { membership } = rooms;
  const eventPlace = (room: number, eventId: string) => membership.place(room, eventId);
  const activity = openActivity({ ...domain, background }, users, userData, { membership, eventPlace });
  new GuestAccess({ ...domain, ...rooms, accounts: users.accounts, background }).watch();
  const { database, names, stream, random } = domain;
  const base: Base = { database, names, stream, clock, random, background };
  const encryptionSettings = {
    serverName: settings.serverName,
    toDevice: { keptMs: 90 * DAY_MS, senderBudget: { perSecond: 1_000, burst: 1_000_000 } },
  };
  const encryption = openEncryption(base, users, { log: { warn: () => {} }, metrics: noMetrics }, encryptionSettings);
  const timeline = openTimeline(base, { users, userData, rooms, activity }, retentionSettings);
  const read = { users, userData, rooms, activity, encryption, timeline };
  const directory = openDirectory(base, rooms, settings.onlyAdministratorsPublish);
  const sync = await openSync(base, read, directory.summaries);
  const domains = { ...read, sync };
  let count = 0;
  return {
    ...domain,
    ...rooms,
    ...userData,
    ...activity,
    ...encryption,
    ...timeline,
    ...sync,
    ...directory,
    clock,
    users,
    faults,
    background,
    /** Registers somebody, with a device that has a number of its own. */
    async person(isGuest = false): Promise<Person> {
      count += 1;
      const { userId, user } = await users.accounts.create(`@person${count}:test.local`, { isGuest });
      return { userId, user, device: count, isGuest };
    },
    /** Creates a room, a public one unless told otherwise. */
    async room(creator: Person, options: RoomOptions = { preset: 'public_chat' }): Promise<Head> {
      const { roomId } = await rooms.creation.create({ ...creator, isAdmin: false }, options);
      return rooms.heads.get(roomId);
    },
    say(person: Person, head: Head, content: JsonObject | string, type = 'm.room.message'): Promise<StoredEvent> {
      const full = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content;
      return rooms.sender.message(head.roomId, type, full, { sender: person });
    },
    setState(person: Person, head: Head, type: string, content: JsonObject, stateKey = ''): Promise<StoredEvent> {
      return rooms.sender.state(head.roomId, [type, stateKey], content, { sender: person });
    },
    redact(person: Person, head: Head, eventId: string): Promise<StoredEvent> {
      return rooms.sender.redact(head.roomId, eventId, {}, { sender: person });
    },
    openPush: (gateways: Parameters<typeof openPush>[2]) => openPush(base, domains, gateways),
    openSearch: () => openSearch(base, domains, settings.serverName),
    /** Opens the services besides rooms, with a search. */
    openServices() {
      const search = openSearch(base, domains, settings.serverName);
      return { ...search, ...openServices(base, domains, search.messageIndex) };
    },
    /** Opens the rooms again with nothing cached, as another process does, or with other settings. */
    async reopenRooms(others: Partial<CreationSettings> = {}): Promise<Rooms> {
      const reopened = { ...domain, names: await Names.open(database), stream: await Stream.open(database) };
      return openRooms(reopened, aboutUsers, { ...settings, ...others });
    },
    readerOf: (person: Person, ignored: ReadonlySet<number> = new Set()) => readerOf(person, ignored),
    async end() {
      activity.close();
      background.close();
      await domain.end();
    },
  };
}

/** The texts of messages, and the types of other events. */
export function textsOf(events: Iterable<StoredEvent>): string[] {
  return [...events].map(({ type, content }) => (type === 'm.room.message' ? (asString(content.body) ?? '') : type));
}
