import { healthRoutes } from './admin-api/health.ts';
import { sharedSecretRoutes } from './admin-api/register.ts';
import { accountRoutes } from './client-api/account.ts';
import { adminRoutes } from './client-api/admin.ts';
import { authenticateWith } from './client-api/authenticate.ts';
import { capabilitiesRoutes } from './client-api/capabilities.ts';
import { delayedEventRoutes } from './client-api/delayed-events.ts';
import { deviceRoutes } from './client-api/devices.ts';
import { crossSigningRoutes } from './client-api/keys/cross-signing.ts';
import { dehydratedDeviceRoutes } from './client-api/keys/dehydrated-device.ts';
import { keyBackupRoutes } from './client-api/keys/key-backup.ts';
import { loginRoutes } from './client-api/login.ts';
import { logoutRoutes } from './client-api/logout.ts';
import { registerRoutes } from './client-api/register.ts';
import { toDeviceRoutes } from './client-api/to-device.ts';
import { versionsRoutes } from './client-api/versions.ts';
import { wellKnownRoutes } from './client-api/well-known.ts';
import { type Media, mediaRoutes, openMedia } from './compose-media.ts';
import { outboundOf } from './compose-outbound.ts';
import { openPush, pushRoutes } from './compose-push.ts';
import { openReading, roomRoutes } from './compose-rooms.ts';
import { openServices, serviceRoutes } from './compose-services.ts';
import { activityRoutes, openActivity, openUserData, userDataRoutes } from './compose-user-data.ts';
import type { Config } from './config/schema.ts';
import { DelayedEvents } from './delayed-events/delayed-events.ts';
import { openEncryption } from './encryption/open-encryption.ts';
import { startMetrics } from './http/listeners/metrics-listener.ts';
import { RateLimits } from './http/rate-limits.ts';
import type { Route } from './http/route.ts';
import { startHttp } from './http/start.ts';
import type { Clock } from './platform/clock.ts';
import { Background } from './platform/concurrency/background.ts';
import { HeapWatch } from './platform/monitoring/heap-watch.ts';
import type { Log } from './platform/monitoring/log.ts';
import { type Metrics, noMetrics } from './platform/monitoring/metrics.ts';
import type { Random } from './platform/random.ts';
import { guardedPostJson } from './push/post-json.ts';
import { watchReplacedRooms } from './push-rules/carry-settings.ts';
import { Retention } from './retention/retention.ts';
import { watchGuestAccess } from './rooms/membership/guest-access.ts';
import { leaveRooms } from './rooms/membership/leave-rooms.ts';
import type { FindEventPlace } from './rooms/membership/membership-view.ts';
import { openRooms } from './rooms/open-rooms.ts';
import {
  mailSettings,
  rateLimitSizes,
  readListen,
  retentionSettings,
  toDeviceSettings,
  usersSettings,
} from './settings.ts';
import { lockDataDir } from './storage/engine/data-folder/lock.ts';
import { warnOfReadable } from './storage/engine/data-folder/private-files.ts';
import type { Database } from './storage/engine/database.ts';
import { Names } from './storage/engine/names.ts';
import { openDatabase } from './storage/engine/open.ts';
import { claimServerName } from './storage/engine/server-name.ts';
import { Stream } from './storage/engine/stream.ts';
import { openUsers, type Users } from './users/open-users.ts';

/** The parts of the machine that the program uses. The simulation passes its own. */
export interface Machine {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** An open database that is used instead of the configured one. */
  readonly database?: Database;
  /** Ends the process at once, because it must not write any more. */
  readonly onFatal?: (error: Error) => void;
}

/** A running server. */
export interface Hearth {
  /** The URL of each listener. */
  readonly urls: readonly string[];
  /** All routes of the server. */
  readonly routes: readonly Route[];
  /** The token that registers the first account, an administrator; present only while there is no account. */
  readonly firstToken: string | undefined;
  /** Answers running requests, then stops with everything on disk. */
  close(): Promise<void>;
}

/** The time to wait for another process that is still stopping. */
const LOCK_WAIT_MS = 5_000;

const LAST_SEEN_EVERY_MS = 5 * 60_000;

const STICKY_EVERY_MS = 30 * 60_000;

const CONNECTIONS_EVERY_MS = 6 * 60 * 60_000;

const TRANSACTIONS_EVERY_MS = 60 * 60_000;
/** The time for which transaction ids are kept. Clients do not repeat a request later. */
const TRANSACTIONS_KEPT_MS = 24 * 60 * 60_000;

const MEDIA_GARBAGE_EVERY_MS = 6 * 60 * 60_000;
const MEDIA_USED_EVERY_MS = 10 * 60_000;

/** Constructs a server from its configuration and starts it. */
export async function compose(config: Config, machine: Machine): Promise<Hearth> {
  const opened: Closable[] = [];
  const close = () => closeAll(opened);
  try {
    const database = machine.database ?? (await openStorage(config, machine, LOCK_WAIT_MS, opened));
    if (machine.database === undefined) warnOfReadable(config.data_dir, config.media.folder, machine.log);
    const metrics = await openMetrics(config, opened);
    const background = new Background(machine.clock, machine.log, metrics);
    const domains = await openDomains(config, database, { ...machine, metrics }, background);
    background.every(LAST_SEEN_EVERY_MS, 'noting where devices were seen', () => domains.users.lastSeen.flush());
    background.every(TRANSACTIONS_EVERY_MS, 'forgetting old transaction ids', () =>
      domains.reading.transactions.expire(machine.clock.now() - TRANSACTIONS_KEPT_MS),
    );
    background.every(STICKY_EVERY_MS, 'forgetting events that are no longer sticky', () =>
      domains.reading.sticky.expire(machine.clock.now()),
    );
    background.every(CONNECTIONS_EVERY_MS, 'ending connections that nobody uses', () =>
      domains.reading.connections.expire(),
    );
    background.every(MEDIA_USED_EVERY_MS, 'noting which media are read', () => domains.media.lastUsed.flush());
    background.every(MEDIA_GARBAGE_EVERY_MS, 'removing media that nobody needs', async () => {
      machine.log.info('removed media that nobody needs', { ...(await domains.media.collectGarbage(false)) });
    });
    opened.push({ close: () => domains.users.lastSeen.flush() });
    opened.push(domains.media, domains.activity, domains.delayedEvents, background, domains.push);
    domains.delayedEvents.start();
    background.start('going on with push notifications', () => domains.push.push.resume());
    const heap = new HeapWatch(machine.log, metrics);
    heap.start();
    opened.push(heap);
    const routes = routesOf(config, domains, heap);
    const http = await startHttp({
      routes,
      authenticate: authenticateWith(domains.users.authenticator, domains.users.lastSeen),
      ownAnswers: (user) => domains.reading.notifier.answered(user),
      rateLimits: new RateLimits(machine.clock, rateLimitSizes(config)),
      bodyBytesMax: config.limits.body_bytes,
      closeTimeoutMs: config.limits.close_ms,
      connectionsMax: config.limits.connections,
      trustedProxies: config.trusted_proxies,
      listen: config.listen.map(readListen),
      clock: machine.clock,
      log: machine.log,
      metrics,
    });
    opened.push(http, { close: () => domains.activity.typing.end() });
    return { urls: http.urls, routes, firstToken: await firstToken(config, domains.users), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Opens only the parts that administration on the command line needs. @throws StorageInUse while the server runs */
export async function composeAccounts(config: Config, machine: Machine): Promise<{ users: Users } & Closable> {
  const opened: Closable[] = [];
  const database = await openStorage(config, machine, 0, opened);
  const background = new Background(machine.clock, machine.log);
  opened.push(background);
  const { users } = await openDomains(config, database, { ...machine, metrics: noMetrics }, background);
  return { users, close: () => closeAll(opened) };
}

async function closeAll(opened: Closable[]): Promise<void> {
  for (const part of opened.splice(0).reverse()) await part.close();
}

/** Opens only media, for maintenance on the command line. @throws StorageInUse while the server runs */
export async function composeMedia(config: Config, machine: Machine): Promise<Media> {
  const { clock, random } = machine;
  const opened: Closable[] = [];
  const database = await openStorage(config, machine, 0, opened);
  const names = await Names.open(database);
  const outbound = outboundOf(config, clock);
  const media = await openMedia({ database, names, clock, random, outbound }, config);
  opened.push(media);
  return { ...media, close: () => closeAll(opened) };
}

interface Closable {
  close(): Promise<void> | void;
}

/** Opens the database if no other process uses it. */
async function openStorage(
  config: Config,
  { clock, random, log, onFatal = () => undefined }: Machine,
  lockWaitMs: number,
  opened: Closable[],
): Promise<Database> {
  const { url } = config.database;
  if (url === undefined) opened.push(lockDataDir(config.data_dir, lockWaitMs));
  const postgres = { clock, random, log, lockWaitMs, onFatal };
  const database = await openDatabase(url === undefined ? { dataDir: config.data_dir } : { url, ...postgres });
  opened.push(database);
  return database;
}

async function openMetrics(config: Config, opened: Closable[]): Promise<Metrics> {
  const { listen } = config.metrics;
  if (listen === undefined) return noMetrics;
  const { createPrometheus } = await import('./platform/monitoring/prometheus.ts');
  const prometheus = createPrometheus();
  opened.push(await startMetrics(listen, prometheus));
  return prometheus;
}

type Domains = Awaited<ReturnType<typeof openDomains>>;

/** Creates the domains in their order. Each may use the ones before it. */
async function openDomains(
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
  return { names, stream, users, userData, activity, encryption, media, reading, delayedEvents, services, push };
}

/** All routes of the server. */
function routesOf(config: Config, domains: Domains, heap: HeapWatch): Route[] {
  const { users, userData, activity, encryption, media, reading, delayedEvents, services, push } = domains;
  return [
    ...healthRoutes([heap]),
    ...versionsRoutes(),
    ...wellKnownRoutes({ publicBaseUrl: config.public_base_url, livekitUrl: config.voip.livekit_url }),
    ...capabilitiesRoutes({ defaultRoomVersion: config.default_room_version }),
    ...registerRoutes(users),
    ...loginRoutes(users),
    ...logoutRoutes(users),
    ...accountRoutes(users),
    ...deviceRoutes(users),
    ...adminRoutes(users),
    ...sharedSecretRoutes(users),
    ...userDataRoutes(userData),
    ...activityRoutes(activity),
    ...toDeviceRoutes(encryption),
    ...crossSigningRoutes({ ...encryption, ...users }),
    ...keyBackupRoutes(encryption),
    ...dehydratedDeviceRoutes(encryption),
    ...roomRoutes({ ...reading, delayedEvents }, config),
    ...delayedEventRoutes({ delayedEvents }),
    ...mediaRoutes(media),
    ...serviceRoutes(services, reading, config),
    ...pushRoutes(push, reading),
  ];
}

/** Creates a token for the first account, if there is no account yet and registration needs a token. */
async function firstToken(config: Config, users: Users): Promise<string | undefined> {
  if (config.registration.policy === 'open' || (await users.accounts.exist())) return undefined;
  return users.registrationTokens.makeFirstStartToken();
}
