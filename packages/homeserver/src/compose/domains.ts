import type { Config } from '../config/schema.ts';
import { DelayedEvents } from '../delayed-events/delayed-events.ts';
import { RoomDirectory } from '../directory/room-directory.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import { guardedPostJson } from '../push/post-json.ts';
import { watchReplacedRooms } from '../push-rules/carry-settings.ts';
import { Retention } from '../retention/retention.ts';
import { GuestAccess } from '../rooms/membership/guest-access.ts';
import type { FindEventPlace } from '../rooms/membership/membership-view.ts';
import type { Database } from '../storage/engine/database.ts';
import { Names } from '../storage/engine/names.ts';
import { claimServerName } from '../storage/engine/server-name.ts';
import { Stream } from '../storage/engine/stream.ts';
import type { Base } from './base.ts';
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
  const base: Base = { database, names, stream, clock, random, background };
  const users = await openUsers(base, usersSettings(config));
  const userData = openUserData({ ...base, users });
  const { server_name: serverName } = config;
  const onlyAdministratorsPublish = config.room_directory.publication === 'administrators';
  const aboutUsers = {
    profileOf: (userId: string) => userData.profiles.profileOf(userId),
    blocksInvites: (userId: string) => userData.invitePermission.blocksInvitesTo(userId),
  };
  const rooms = await openRooms(base, aboutUsers, {
    serverName,
    defaultRoomVersion: config.default_room_version,
    onlyAdministratorsPublish,
  });
  userData.profiles.onChange((user, userId) =>
    background.start('telling rooms of a new profile', () => rooms.memberProfiles.profileChanged(userId, user)),
  );
  users.accountChanges.onDeactivated((user, userId) => rooms.joining.leaveAll(user, userId));
  new GuestAccess({ ...rooms, accounts: users.accounts, background }).watch();
  watchReplacedRooms({ ...rooms, ...userData, background, serverName });
  const { membership } = rooms;
  const eventPlace: FindEventPlace = (room, eventId) => membership.place(room, eventId);
  const activity = openActivity({ ...base, users }, userData, { membership, eventPlace });
  const delayedEvents = await DelayedEvents.open({ ...base, ...rooms, accounts: users.accounts });
  const encryption = openEncryption({
    ...base,
    users,
    serverName,
    log,
    metrics,
    toDeviceSettings: toDeviceSettings(config),
  });
  const retention = new Retention(retentionSettings(config), rooms.heads, clock);
  const directory = new RoomDirectory({ ...rooms, onlyAdministratorsPublish });
  const { erasedUsers } = users;
  const given = { ...rooms, retention, serverName };
  const reading = await openReading({ ...base, erasedUsers }, given, userData, activity, encryption);
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
