import { threepidRoutes } from '../client-api/account/3pid.ts';
import { deactivateRoutes } from '../client-api/account/deactivate.ts';
import { passwordRoutes } from '../client-api/account/password.ts';
import { whoamiRoutes } from '../client-api/account/whoami.ts';
import { lockRoutes } from '../client-api/admin/lock.ts';
import { suspendRoutes } from '../client-api/admin/suspend.ts';
import { whoisRoutes } from '../client-api/admin/whois.ts';
import { pingAppserviceRoutes } from '../client-api/appservice/ping.ts';
import { capabilitiesRoutes } from '../client-api/capabilities.ts';
import { dehydratedDeviceRoutes } from '../client-api/dehydrated-device/dehydrated-device.ts';
import { dehydratedDeviceEventsRoutes } from '../client-api/dehydrated-device/events.ts';
import { cancelDelayedEventRoutes } from '../client-api/delayed-events/cancel.ts';
import { delayedEventsRoutes } from '../client-api/delayed-events/delayed-events.ts';
import { restartDelayedEventRoutes } from '../client-api/delayed-events/restart.ts';
import { sendDelayedEventRoutes } from '../client-api/delayed-events/send.ts';
import { deleteDevicesRoutes } from '../client-api/devices/delete-devices.ts';
import { devicesRoutes } from '../client-api/devices/devices.ts';
import { sendToDeviceRoutes } from '../client-api/devices/send-to-device.ts';
import { roomAliasesRoutes } from '../client-api/directory/aliases.ts';
import { hierarchyRoutes } from '../client-api/directory/hierarchy.ts';
import { publicRoomsRoutes } from '../client-api/directory/public-rooms.ts';
import { directoryRoomRoutes } from '../client-api/directory/room.ts';
import { roomSummaryRoutes } from '../client-api/directory/room-summary.ts';
import { keyChangesRoutes } from '../client-api/keys/changes.ts';
import { keyClaimRoutes } from '../client-api/keys/claim.ts';
import { deviceSigningUploadRoutes } from '../client-api/keys/device-signing/upload.ts';
import { keyQueryRoutes } from '../client-api/keys/query.ts';
import { signaturesUploadRoutes } from '../client-api/keys/signatures/upload.ts';
import { keyUploadRoutes } from '../client-api/keys/upload.ts';
import { loginTokenRoutes } from '../client-api/login/get-token.ts';
import { loginRoutes } from '../client-api/login/login.ts';
import { refreshRoutes } from '../client-api/login/refresh.ts';
import { logoutAllRoutes } from '../client-api/logout/all.ts';
import { logoutRoutes } from '../client-api/logout/logout.ts';
import { mediaConfigRoutes } from '../client-api/media/config.ts';
import { mediaCreateRoutes } from '../client-api/media/create.ts';
import { downloadRoutes } from '../client-api/media/download.ts';
import { previewUrlRoutes } from '../client-api/media/preview-url.ts';
import { thumbnailRoutes } from '../client-api/media/thumbnail.ts';
import { mediaUploadRoutes } from '../client-api/media/upload.ts';
import { notificationsRoutes } from '../client-api/notifications.ts';
import { openIdTokenRoutes } from '../client-api/openid/request-token.ts';
import { presenceStatusRoutes } from '../client-api/presence/status.ts';
import { profileRoutes } from '../client-api/profile.ts';
import { pushersRoutes } from '../client-api/pushers/pushers.ts';
import { setPusherRoutes } from '../client-api/pushers/set.ts';
import { pushRuleActionsRoutes } from '../client-api/pushrules/actions.ts';
import { pushRuleEnabledRoutes } from '../client-api/pushrules/enabled.ts';
import { globalPushRulesRoutes } from '../client-api/pushrules/global.ts';
import { pushRulesRoutes } from '../client-api/pushrules/pushrules.ts';
import { readMarkersRoutes } from '../client-api/receipts/read-markers.ts';
import { receiptRoutes } from '../client-api/receipts/receipt.ts';
import { usernameAvailableRoutes } from '../client-api/register/available.ts';
import { registerRoutes } from '../client-api/register/register.ts';
import { registrationTokenValidityRoutes } from '../client-api/register/validity.ts';
import { reportRoutes } from '../client-api/report.ts';
import { roomKeysRoutes } from '../client-api/room-keys/keys.ts';
import { roomKeysVersionRoutes } from '../client-api/room-keys/version.ts';
import { banRoutes } from '../client-api/room-membership/ban.ts';
import { forgetRoutes } from '../client-api/room-membership/forget.ts';
import { inviteRoutes } from '../client-api/room-membership/invite.ts';
import { joinRoutes } from '../client-api/room-membership/join.ts';
import { joinedMembersRoutes } from '../client-api/room-membership/joined-members.ts';
import { joinedRoomsRoutes } from '../client-api/room-membership/joined-rooms.ts';
import { kickRoutes } from '../client-api/room-membership/kick.ts';
import { knockRoutes } from '../client-api/room-membership/knock.ts';
import { leaveRoutes } from '../client-api/room-membership/leave.ts';
import { membersRoutes } from '../client-api/room-membership/members.ts';
import { mutualRoomsRoutes } from '../client-api/room-membership/mutual-rooms.ts';
import { peekRoutes } from '../client-api/room-membership/peek.ts';
import { unbanRoutes } from '../client-api/room-membership/unban.ts';
import { unpeekRoutes } from '../client-api/room-membership/unpeek.ts';
import { contextRoutes } from '../client-api/rooms/context.ts';
import { createRoomRoutes } from '../client-api/rooms/create-room.ts';
import { roomEventRoutes } from '../client-api/rooms/event.ts';
import { eventRelationshipsRoutes } from '../client-api/rooms/event-relationships.ts';
import { roomInitialSyncRoutes } from '../client-api/rooms/initial-sync.ts';
import { messagesRoutes } from '../client-api/rooms/messages.ts';
import { redactRoutes } from '../client-api/rooms/redact.ts';
import { relationsRoutes } from '../client-api/rooms/relations.ts';
import { sendRoutes } from '../client-api/rooms/send.ts';
import { setStateRoutes, stateRoutes } from '../client-api/rooms/state.ts';
import { threadsRoutes } from '../client-api/rooms/threads.ts';
import { timestampToEventRoutes } from '../client-api/rooms/timestamp-to-event.ts';
import { typingRoutes } from '../client-api/rooms/typing.ts';
import { upgradeRoutes } from '../client-api/rooms/upgrade.ts';
import { searchRoutes } from '../client-api/search.ts';
import { slidingSyncRoutes } from '../client-api/sliding-sync/sync.ts';
import { eventsRoutes, oneEventRoutes } from '../client-api/sync/events.ts';
import { initialSyncRoutes } from '../client-api/sync/initial-sync.ts';
import { syncRoutes } from '../client-api/sync/sync.ts';
import { thirdPartyLocationRoutes } from '../client-api/thirdparty/location.ts';
import { thirdPartyProtocolRoutes } from '../client-api/thirdparty/protocol.ts';
import { thirdPartyProtocolsRoutes } from '../client-api/thirdparty/protocols.ts';
import { thirdPartyUserRoutes } from '../client-api/thirdparty/user.ts';
import { threadSubscriptionRoutes } from '../client-api/thread-subscriptions/subscription.ts';
import { threadSubscriptionsRoutes } from '../client-api/thread-subscriptions/thread-subscriptions.ts';
import { accountDataRoutes } from '../client-api/user/account-data.ts';
import { filterRoutes } from '../client-api/user/filter.ts';
import { tagsRoutes } from '../client-api/user/tags.ts';
import { userDirectorySearchRoutes } from '../client-api/user-directory/search.ts';
import { versionsRoutes } from '../client-api/versions.ts';
import { rtcTransportsRoutes } from '../client-api/voip/transports.ts';
import { turnServerRoutes } from '../client-api/voip/turn-server.ts';
import { wellKnownRoutes } from '../client-api/well-known.ts';
import type { Config } from '../config/schema.ts';
import type { Route } from '../http/route.ts';
import type { HeapWatch } from '../platform/monitoring/heap-watch.ts';
import { adminRoutes } from './admin-routes.ts';
import type { Domains } from './domains.ts';
import type { Federation } from './federation.ts';
import { type FederatedLookups, lookupsOf } from './lookups.ts';
import { turnSettings } from './settings.ts';

/** Returns all routes of the server, in the order of the files of `packages/api`. */
export function routesOf(
  config: Config,
  domains: Domains,
  federation: Federation | undefined,
  heap: HeapWatch,
): Route[] {
  const lookups = lookupsOf(config, domains, federation);
  return [
    ...adminRoutes(domains, federation, heap),
    ...accountRoutes(config, domains, lookups),
    ...keyAndMediaRoutes(domains, lookups),
    ...userRoutes(config, domains, lookups),
    ...roomRoutes(domains, lookups),
    ...syncAndServiceRoutes(config, domains),
    ...(federation?.routes ?? []),
  ];
}

/** Returns the routes of the files from `client/account` to `client/directory`. */
function accountRoutes(
  config: Config,
  { users, rooms, timeline, encryption, delayedEvents, applicationServices, directory }: Domains,
  { directories, hierarchy, rooms: lookedUpRooms }: FederatedLookups,
): Route[] {
  return [
    ...threepidRoutes(),
    ...deactivateRoutes(users.accountChanges, users.ownerCheck),
    ...passwordRoutes(users.accountChanges, users.ownerCheck),
    ...whoamiRoutes(),
    ...lockRoutes(users.adminView, users.accountChanges),
    ...suspendRoutes(users.adminView, users.accountChanges),
    ...whoisRoutes(users.adminView, users.devices),
    ...pingAppserviceRoutes(applicationServices.pings),
    ...capabilitiesRoutes(config.default_room_version),
    ...dehydratedDeviceRoutes(encryption.dehydratedDevices),
    ...dehydratedDeviceEventsRoutes(encryption.dehydratedDevices),
    ...cancelDelayedEventRoutes(delayedEvents),
    ...delayedEventsRoutes(delayedEvents),
    ...restartDelayedEventRoutes(delayedEvents),
    ...sendDelayedEventRoutes(delayedEvents),
    ...deleteDevicesRoutes(users.sessions, users.ownerCheck),
    ...devicesRoutes(users.devices, users.sessions, users.ownerCheck),
    ...sendToDeviceRoutes(encryption.toDevice),
    ...roomAliasesRoutes(timeline.readers, rooms.aliases),
    ...hierarchyRoutes(hierarchy),
    ...publicRoomsRoutes(directories, config.room_directory.public_list),
    ...roomSummaryRoutes(lookedUpRooms),
    ...directoryRoomRoutes(directory.roomDirectory, directories),
  ];
}

/** Returns the routes of the files from `client/keys` to `client/media`. */
function keyAndMediaRoutes(
  { base: { names }, users, encryption, sync, media }: Domains,
  { keys }: FederatedLookups,
): Route[] {
  return [
    ...keyChangesRoutes(sync.reader, sync.deviceLists, names),
    ...keyClaimRoutes(keys, names),
    ...deviceSigningUploadRoutes(encryption.crossSigning, users.ownerCheck),
    ...keyQueryRoutes(keys, names),
    ...signaturesUploadRoutes(encryption.signatures),
    ...keyUploadRoutes(encryption.keyUpload),
    ...loginTokenRoutes(users.logins, users.ownerCheck),
    ...loginRoutes(users.logins, users.sessions, users.serviceSessions),
    ...refreshRoutes(users.sessions),
    ...logoutAllRoutes(users.sessions),
    ...logoutRoutes(users.sessions),
    ...mediaConfigRoutes(media.settings.uploadBytesMax),
    ...mediaCreateRoutes(media.uploads),
    ...downloadRoutes(media.contents, media.blobs),
    ...previewUrlRoutes(media.previews),
    ...thumbnailRoutes(media.contents, media.thumbnails, media.blobs),
    ...mediaUploadRoutes(media.uploads),
  ];
}

/** Returns the routes of the files from `client/notifications` to `client/report`. */
function userRoutes(config: Config, domains: Domains, lookups: FederatedLookups): Route[] {
  const { users, userData, activity, timeline, services, push } = domains;
  return [
    ...notificationsRoutes(push.notifications, timeline.renderer, timeline.readers),
    ...openIdTokenRoutes(services.openIdTokens, config.server_name),
    ...presenceStatusRoutes(activity.presences),
    ...profileRoutes(userData.profiles, lookups.profiles),
    ...pushersRoutes(push.pushers),
    ...setPusherRoutes(push.push),
    ...pushRuleActionsRoutes(userData.pushRules),
    ...pushRuleEnabledRoutes(userData.pushRules),
    ...globalPushRulesRoutes(userData.pushRules),
    ...pushRulesRoutes(userData.pushRules),
    ...readMarkersRoutes(activity.receipts),
    ...receiptRoutes(activity.receipts),
    ...usernameAvailableRoutes(users.registrations),
    ...registerRoutes(users.registrations, users.sessions, users.serviceSessions),
    ...registrationTokenValidityRoutes(users.registrations),
    ...reportRoutes(services.reports),
  ];
}

/** Returns the routes of the files from `client/room-keys` to `client/rooms`. */
function roomRoutes(
  { base: { names }, activity, encryption, rooms, timeline, sync, delayedEvents }: Domains,
  { directories }: FederatedLookups,
): Route[] {
  const { heads, joining, userRooms } = rooms;
  const { readers, readable, renderer, stateTexts } = timeline;
  return [
    ...roomKeysRoutes(encryption.keyBackups, names),
    ...roomKeysVersionRoutes(encryption.keyBackups),
    ...banRoutes(heads, joining),
    ...forgetRoutes(heads, joining),
    ...inviteRoutes(heads, joining),
    ...joinRoutes(directories, joining),
    ...joinedMembersRoutes(readers, timeline.members, rooms.events),
    ...joinedRoomsRoutes(userRooms, names),
    ...kickRoutes(heads, joining),
    ...knockRoutes(directories, joining),
    ...leaveRoutes(heads, joining),
    ...membersRoutes(readers, timeline.members, stateTexts),
    ...mutualRoomsRoutes(userRooms, names),
    ...peekRoutes(directories, readers, sync.peeks),
    ...unbanRoutes(heads, joining),
    ...unpeekRoutes(heads, sync.peeks),
    ...contextRoutes(readers, timeline.contexts, stateTexts),
    ...createRoomRoutes(rooms.creation),
    ...eventRelationshipsRoutes(readers, timeline.relationships, renderer),
    ...roomEventRoutes(readers, readable, renderer),
    ...roomInitialSyncRoutes(sync.roomInitialSync),
    ...messagesRoutes(readers, timeline.history, renderer),
    ...redactRoutes(rooms.sender),
    ...relationsRoutes(readers, timeline.related, renderer),
    ...sendRoutes(rooms.sender, delayedEvents),
    ...setStateRoutes(rooms.sender, delayedEvents),
    ...stateRoutes(readers, timeline.visibleState, stateTexts),
    ...threadsRoutes(readers, timeline.threads, renderer),
    ...timestampToEventRoutes(readers, readable),
    ...typingRoutes(activity.typing),
    ...upgradeRoutes(rooms.upgrades, heads),
  ];
}

/** Returns the routes of the files from `client/search` to `client/well-known`. */
function syncAndServiceRoutes(
  config: Config,
  {
    base: { database, stream, clock },
    applicationServices,
    userData,
    rooms,
    timeline,
    sync,
    search,
    services,
  }: Domains,
): Route[] {
  return [
    ...searchRoutes(search.messageSearch, timeline.readers, timeline.stateTexts),
    ...slidingSyncRoutes(sync.slidingSync),
    ...eventsRoutes(sync.eventStream),
    ...oneEventRoutes(timeline.readers, timeline.readable, timeline.renderer),
    ...initialSyncRoutes(sync.initialSync),
    ...syncRoutes(sync.sync, userData.filters),
    ...thirdPartyLocationRoutes(applicationServices.networks),
    ...thirdPartyProtocolRoutes(applicationServices.networks),
    ...thirdPartyProtocolsRoutes(applicationServices.networks),
    ...thirdPartyUserRoutes(applicationServices.networks),
    ...threadSubscriptionRoutes(services.threadSubscriptions),
    ...threadSubscriptionsRoutes({ database, stream, events: rooms.events }),
    ...userDirectorySearchRoutes(search.people, config.user_directory.search_all),
    ...accountDataRoutes(userData.accountData),
    ...filterRoutes(userData.filters),
    ...tagsRoutes(userData.accountData, userData.tags),
    ...versionsRoutes(),
    ...rtcTransportsRoutes(config.voip.livekit_url),
    ...turnServerRoutes(turnSettings(config), clock),
    ...wellKnownRoutes({ publicBaseUrl: config.public_base_url, livekitUrl: config.voip.livekit_url }),
  ];
}
