import type { Config } from '../config/schema.ts';
import { DelayedEvents } from '../delayed-events/delayed-events.ts';
import { DelayedSending } from '../delayed-events/delayed-sending.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Metrics } from '../platform/monitoring/metrics.ts';
import { guardedPostJson } from '../push/post-json.ts';
import type { FindEventPlace } from '../rooms/membership/membership-view.ts';
import type { Database } from '../storage/engine/database.ts';
import { Names } from '../storage/engine/names.ts';
import { claimServerName } from '../storage/engine/server-name.ts';
import { Stream } from '../storage/engine/stream.ts';
import { openActivity } from './activity.ts';
import { createSenders, openApplicationServices } from './application-services.ts';
import type { Base } from './base.ts';
import { connectRooms } from './connect-rooms.ts';
import { openDirectory } from './directory.ts';
import { openEncryption } from './encryption.ts';
import type { Machine } from './machine.ts';
import { openMedia } from './media.ts';
import { outboundOf } from './outbound.ts';
import { openPush } from './push.ts';
import { openRooms } from './rooms.ts';
import { openSearch } from './search.ts';
import { createServerNotices, describeNoticesSender, openNoticesSender } from './server-notices.ts';
import { openServices } from './services.ts';
import { mailSettings, retentionSettings, toDeviceSettings, usersSettings } from './settings.ts';
import { openSync } from './sync.ts';
import { openTimeline } from './timeline.ts';
import { openUserData } from './user-data.ts';
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
  const { applicationServices, users, userData, rooms, noticesFrom } = await openCore(config, base);
  const { server_name: serverName } = config;
  const { events, sender, membership } = rooms;
  const eventPlace: FindEventPlace = (room, eventId) => membership.place(room, eventId);
  const activity = openActivity(base, users, userData, { membership, eventPlace });
  const sending = new DelayedSending(sender, membership, users.accounts);
  const delayedEvents = await DelayedEvents.open({ database, clock, random, background, stream, events, sending });
  const encryptionSettings = { serverName, toDevice: toDeviceSettings(config) };
  const encryption = openEncryption(base, users, { log, metrics }, encryptionSettings);
  const readDomains = { users, userData, rooms, activity };
  const timeline = openTimeline(base, readDomains, retentionSettings(config));
  const domains = { ...readDomains, encryption, timeline };
  const directory = openDirectory(base, rooms, onlyAdministratorsPublish(config));
  const sync = await openSync(base, domains, directory.summaries);
  const outbound = outboundOf(config, clock);
  const media = await openMedia({ database, names, clock, random, outbound }, config);
  const search = openSearch(base, domains, serverName);
  const serverNotices = createServerNotices(config, base, domains, noticesFrom);
  const services = openServices(base, domains, search.messageIndex);
  const gateways = { postJson: guardedPostJson(outbound), mail: mailSettings(config) };
  const push = await openPush(base, domains, gateways);
  return {
    base,
    applicationServices,
    ...domains,
    sync,
    delayedEvents,
    directory,
    media,
    search,
    services,
    serverNotices,
    push,
  };
}

/** Creates users, their data and rooms, with the users of the server itself and of application services. */
async function openCore(config: Config, base: Base) {
  const applicationServices = await openApplicationServices(config, base.clock);
  const { registered, questions, aliasOwners } = applicationServices;
  const users = await openUsers(base, { ...usersSettings(config), applicationServices: registered });
  await createSenders(registered, users);
  const noticesFrom = await openNoticesSender(config, users);
  const noticesSender = noticesFrom?.userId;
  const userData = openUserData(base, users, {
    noticesSender,
    createsUser: (userId) => questions.createsUser(userId),
  });
  const aboutUsers = {
    profileOf: (userId: string) => userData.profiles.profileOf(userId),
    blocksInvites: (userId: string, inviter: string) => userData.invitePermission.blocks(userId, inviter),
  };
  const rooms = await openRooms(base, aboutUsers, {
    serverName: config.server_name,
    defaultRoomVersion: config.default_room_version,
    onlyAdministratorsPublish: onlyAdministratorsPublish(config),
    applicationServices: aliasOwners,
    noticesSender,
  });
  connectRooms(base, { users, userData, rooms }, config.server_name);
  await describeNoticesSender(config, noticesFrom, userData);
  return { applicationServices, users, userData, rooms, noticesFrom };
}

function onlyAdministratorsPublish({ room_directory }: Config): boolean {
  return room_directory.publication === 'administrators';
}
