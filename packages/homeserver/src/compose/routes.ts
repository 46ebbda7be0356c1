import { healthRoutes } from '../admin-api/health.ts';
import { mediaAdminRoutes } from '../admin-api/media.ts';
import { sharedSecretRoutes } from '../admin-api/register.ts';
import { accountRoutes } from '../client-api/account.ts';
import { accountDataRoutes } from '../client-api/account-data.ts';
import { adminRoutes } from '../client-api/admin.ts';
import { capabilitiesRoutes } from '../client-api/capabilities.ts';
import { delayedEventRoutes } from '../client-api/delayed-events.ts';
import { deviceRoutes } from '../client-api/devices.ts';
import { eventsRoutes } from '../client-api/events.ts';
import { filterRoutes } from '../client-api/filter.ts';
import { crossSigningRoutes } from '../client-api/keys/cross-signing.ts';
import { dehydratedDeviceRoutes } from '../client-api/keys/dehydrated-device.ts';
import { deviceKeyRoutes } from '../client-api/keys/device-keys.ts';
import { keyBackupRoutes } from '../client-api/keys/key-backup.ts';
import { loginRoutes } from '../client-api/login.ts';
import { logoutRoutes } from '../client-api/logout.ts';
import { mediaConfigRoutes } from '../client-api/media/config.ts';
import { downloadRoutes } from '../client-api/media/download.ts';
import { previewRoutes } from '../client-api/media/preview-url.ts';
import { thumbnailRoutes } from '../client-api/media/thumbnail.ts';
import { uploadRoutes } from '../client-api/media/upload.ts';
import { openIdRoutes } from '../client-api/openid.ts';
import { peekingRoutes } from '../client-api/peeking.ts';
import { presenceRoutes } from '../client-api/presence.ts';
import { profileRoutes } from '../client-api/profile.ts';
import { pushRuleRoutes } from '../client-api/push-rules.ts';
import { pusherRoutes } from '../client-api/pushers.ts';
import { registerRoutes } from '../client-api/register.ts';
import { reportRoutes } from '../client-api/report.ts';
import { createRoomRoutes } from '../client-api/rooms/create-room.ts';
import { directoryRoutes } from '../client-api/rooms/directory.ts';
import { eventRoutes } from '../client-api/rooms/events.ts';
import { membershipRoutes } from '../client-api/rooms/membership.ts';
import { messagesRoutes } from '../client-api/rooms/messages.ts';
import { mutualRoomsRoutes } from '../client-api/rooms/mutual-rooms.ts';
import { receiptRoutes } from '../client-api/rooms/receipts.ts';
import { relationRoutes } from '../client-api/rooms/relations.ts';
import { sendRoutes } from '../client-api/rooms/send.ts';
import { stateRoutes } from '../client-api/rooms/state.ts';
import { threadSubscriptionRoutes } from '../client-api/rooms/thread-subscription.ts';
import { typingRoutes } from '../client-api/rooms/typing.ts';
import { searchRoutes } from '../client-api/search.ts';
import { slidingSyncRoutes } from '../client-api/sliding-sync.ts';
import { syncRoutes } from '../client-api/sync.ts';
import { tagRoutes } from '../client-api/tags.ts';
import { thirdPartyRoutes } from '../client-api/third-party.ts';
import { threadSubscriptionsRoutes } from '../client-api/thread-subscriptions.ts';
import { toDeviceRoutes } from '../client-api/to-device.ts';
import { userDirectoryRoutes } from '../client-api/user-directory.ts';
import { versionsRoutes } from '../client-api/versions.ts';
import { voipRoutes } from '../client-api/voip.ts';
import { wellKnownRoutes } from '../client-api/well-known.ts';
import type { Config } from '../config/schema.ts';
import type { Route } from '../http/route.ts';
import type { HeapWatch } from '../platform/monitoring/heap-watch.ts';
import type { Domains } from './domains.ts';
import { turnSettings } from './settings.ts';

/** Returns all routes of the server, in the order of the files of `packages/api`. */
export function routesOf(config: Config, domains: Domains, heap: HeapWatch): Route[] {
  return [
    ...healthRoutes([heap]),
    ...mediaAdminRoutes(domains.media),
    ...sharedSecretRoutes(domains.users),
    ...accountAndServerRoutes(config, domains),
    ...keyRoutes(domains),
    ...mediaRoutes(domains),
    ...roomRoutes(config, domains),
  ];
}

/** Returns the routes of the files directly in `packages/api/src/client`. */
function accountAndServerRoutes(config: Config, domains: Domains): Route[] {
  const { users, userData, activity, encryption, reading, delayedEvents, services, push } = domains;
  const { livekit_url: livekitUrl } = config.voip;
  return [
    ...accountDataRoutes(userData),
    ...accountRoutes(users),
    ...adminRoutes(users),
    ...capabilitiesRoutes({ defaultRoomVersion: config.default_room_version }),
    ...delayedEventRoutes({ delayedEvents }),
    ...deviceRoutes(users),
    ...eventsRoutes(reading),
    ...filterRoutes(userData),
    ...loginRoutes(users),
    ...logoutRoutes(users),
    ...openIdRoutes({ ...services, serverName: config.server_name }),
    ...peekingRoutes(reading),
    ...presenceRoutes(activity),
    ...profileRoutes(userData),
    ...pushRuleRoutes(userData),
    ...pusherRoutes({ ...reading, ...push }),
    ...registerRoutes(users),
    ...reportRoutes(services),
    ...searchRoutes({ ...reading, ...services }),
    ...slidingSyncRoutes(reading),
    ...syncRoutes(reading),
    ...tagRoutes(userData),
    ...thirdPartyRoutes(),
    ...threadSubscriptionsRoutes(reading),
    ...toDeviceRoutes(encryption),
    ...userDirectoryRoutes({ ...services, searchAllUsers: config.user_directory.search_all }),
    ...versionsRoutes(),
    ...voipRoutes({ ...reading, turn: turnSettings(config), livekitUrl }),
    ...wellKnownRoutes({ publicBaseUrl: config.public_base_url, livekitUrl }),
  ];
}

/** Returns the routes of `packages/api/src/client/keys`. */
function keyRoutes({ users, encryption, reading }: Domains): Route[] {
  return [
    ...crossSigningRoutes({ ...encryption, ...users }),
    ...dehydratedDeviceRoutes(encryption),
    ...deviceKeyRoutes(reading),
    ...keyBackupRoutes(encryption),
  ];
}

/** Returns the routes of `packages/api/src/client/media`. */
function mediaRoutes({ media }: Domains): Route[] {
  return [
    ...mediaConfigRoutes(media.settings),
    ...downloadRoutes(media),
    ...previewRoutes(media),
    ...thumbnailRoutes(media),
    ...uploadRoutes(media),
  ];
}

/** Returns the routes of `packages/api/src/client/rooms`. */
function roomRoutes(config: Config, { activity, reading, delayedEvents, directory, services }: Domains): Route[] {
  return [
    ...createRoomRoutes(reading.creation, reading.upgrades, reading.heads),
    ...directoryRoutes({ ...reading, directory, publicList: config.room_directory.public_list }),
    ...eventRoutes(reading),
    ...membershipRoutes(reading),
    ...messagesRoutes(reading),
    ...mutualRoomsRoutes(reading),
    ...receiptRoutes(activity),
    ...relationRoutes(reading),
    ...sendRoutes({ ...reading, delayedEvents }),
    ...stateRoutes(reading),
    ...threadSubscriptionRoutes(services),
    ...typingRoutes(activity),
  ];
}
