import type { Config } from '../config/schema.ts';
import { DelayedEvents } from '../delayed-events/delayed-events.ts';
import { RoomDirectory } from '../directory/room-directory.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import { guardedPostJson } from '../push/post-json.ts';
import { watchReplacedRooms } from '../push-rules/carry-settings.ts';
import { Retention } from '../retention/retention.ts';
import { watchGuestAccess } from '../rooms/membership/guest-access.ts';
import { leaveRooms } from '../rooms/membership/leave-rooms.ts';
import type { FindEventPlace } from '../rooms/membership/membership-view.ts';
import type { Database } from '../storage/engine/database.ts';
import { Names } from '../storage/engine/names.ts';
import { claimServerName } from '../storage/engine/server-name.ts';
import { Stream } from '../storage/engine/stream.ts';
import { openEncryption } from './encryption.ts';
import type { Machine } from './machine.ts';
import { openMedia } from './media.ts';
import { outboundOf } from './outbound.ts';
import { openPush } from './push.ts';
import { openRooms } from './rooms.ts';
import { openServices } from './services.ts';
import { mailSettings, retentionSettings, toDeviceSettings, usersSettings } from './settings.ts';
import { openReading } from './sync.ts';
import { openActivity, openUserData } from './user-data.ts';
import { openUsers } from './users.ts';

export type Domains = Awaited<ReturnType<typeof openDomains>>;

/** Creates the domains in their order. Each may use the ones before it. */
export async function openDomains(
  config: Config,
  database: Database,
  { clock, random, log, metrics }: Machine & { readonly metrics: Metrics },
  background: Background,
) {
  await claimServerName(database, config.server_name);
  const names = await Names.open(database);
  const stream = await Stream.open(database);
  const base = { database, names, stream, clock, random, background, log, metrics };
  const users = await openUsers(base, usersSettings(config));
  const userData = openUserData({ ...base, users });
  const { server_name: serverName, default_room_version: defaultRoomVersion } = config;
  const profileOf = (userId: string) => userData.profiles.profileOf(userId);
  const blocksInvitesTo = (userId: string) => userData.invitePermission.blocksInvitesTo(userId);
  const rooms = await openRooms({
    ...base,
    serverName,
    defaultRoomVersion,
    profileOf,
    blocksInvitesTo,
    onlyAdministratorsPublish: config.room_directory.publication === 'administrators',
  });
  userData.profiles.onChange((user, userId) =>
    background.start('telling rooms of a new profile', () => rooms.joining.profileChanged(userId, user)),
  );
  users.accountChanges.onDeactivated((user, userId) => leaveRooms(rooms, user, userId));
  watchGuestAccess({ ...rooms, accounts: users.accounts, background });
  watchReplacedRooms({ ...rooms, ...userData, background, serverName });
  const { membership } = rooms;
  const eventPlace: FindEventPlace = (room, eventId) => membership.place(room, eventId);
  const activity = openActivity({ ...base, users }, userData, { membership, eventPlace });
  const delayedEvents = await DelayedEvents.open({ ...rooms, background, accounts: users.accounts });
  const encryption = openEncryption({ ...base, users, serverName, toDeviceSettings: toDeviceSettings(config) });
  const retention = new Retention(retentionSettings(config), rooms.heads, clock);
  const directory = new RoomDirectory(rooms);
  const reading = await openReading({ ...base, ...users }, { ...rooms, retention }, userData, activity, encryption);
  users.sessions.onRemoved((_user, devices) => reading.connections.departure(devices));
  users.sessions.onRemoved((_user, devices) => reading.peeks.departure(devices));
  const outbound = outboundOf(config, clock);
  const media = await openMedia({ ...base, outbound }, config);
  const services = openServices({ reading, users, background });
  const push = await openPush({
    reading,
    users,
    background,
    postJson: guardedPostJson(outbound),
    mail: mailSettings(config),
  });
  return { users, userData, activity, encryption, media, reading, delayedEvents, directory, services, push };
}
