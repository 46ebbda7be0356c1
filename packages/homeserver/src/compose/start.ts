import { authenticateWith } from '../client-api/support/authenticate.ts';
import type { Config } from '../config/schema.ts';
import { startMetrics } from '../http/listeners/metrics-listener.ts';
import { RateLimits } from '../http/rate-limits.ts';
import type { Route } from '../http/route.ts';
import type { AuthenticateServer } from '../http/signed-request.ts';
import { startHttp } from '../http/start.ts';
import { Background } from '../platform/concurrency/background.ts';
import { HeapWatch } from '../platform/monitoring/heap-watch.ts';
import { type Metrics, noMetrics } from '../platform/monitoring/metrics.ts';
import { warnOfReadable } from '../storage/engine/data-folder/private-files.ts';
import { startServiceTransactions } from './application-service-transactions.ts';
import { watchCertificates } from './certificates.ts';
import { Closing } from './closing.ts';
import { openDomains } from './domains.ts';
import { openFederation } from './federation.ts';
import { startJobs } from './jobs.ts';
import type { Machine } from './machine.ts';
import { routesOf } from './routes.ts';
import { httpSettings, rateLimitSizes } from './settings.ts';
import { openStorage } from './storage.ts';
import type { Users } from './users.ts';

/** A running server. */
export interface Hearth {
  /** The URL of each listener. */
  readonly urls: readonly string[];
  /** All routes of the server. */
  readonly routes: readonly Route[];
  /** The token that registers the first account, an administrator; present only while there is no account. */
  readonly firstToken: string | undefined;
  /** The function that authenticates requests of other servers; undefined if the server does not federate. */
  readonly authenticateServer: AuthenticateServer | undefined;
  /** Answers running requests, then stops with everything on disk. */
  close(): Promise<void>;
}

/** The time to wait for another process that is still stopping. */
const LOCK_WAIT_MS = 5_000;

/** The log message of a server that does not federate. */
const NOT_FEDERATING =
  'no federation: users talk only with users of this server (set federation.enabled, or a public domain as server_name)';

/** Constructs a server from its configuration and starts it. */
export function startHearth(config: Config, machine: Machine): Promise<Hearth> {
  const closing = new Closing();
  return closing.closeOnFailure(() => start(config, machine, closing));
}

async function start(config: Config, machine: Machine, closing: Closing): Promise<Hearth> {
  const { clock, log } = machine;
  const database = machine.database ?? (await openStorage(config, machine, LOCK_WAIT_MS, closing));
  if (machine.database === undefined) warnOfReadable(config.data_dir, config.media.folder, log);
  const metrics = await openMetrics(config, closing);
  const background = new Background(clock, log, metrics);
  closing.add(background);
  const domains = await openDomains(config, database, { ...machine, metrics }, background);
  const { users, media, activity, encryption, delayedEvents, push, sync } = domains;
  closing.add({ close: () => users.lastSeen.flush() }, { close: () => encryption.inbox.deleteAcknowledged() });
  closing.add(media, activity, delayedEvents, background, push);
  startJobs(domains, background, clock, log);
  closing.add(domains.applicationServices);
  const transactions = await startServiceTransactions(domains, { ...machine, background, metrics });
  if (transactions !== undefined) closing.add(transactions);
  const heap = new HeapWatch(log, metrics);
  heap.start();
  closing.add(heap);
  const federation = await openFederation(config, { ...machine, database, background, metrics }, domains);
  if (federation !== undefined) {
    closing.add(federation);
    media.copies.fetchFrom(federation.media);
    encryption.toDevice.sendTo(federation.toDevice);
    encryption.signatures.followWith(federation.followedKeys);
    domains.timeline.history.fetchFrom(federation.history);
    domains.timeline.readable.fetchFrom(federation.timestamps);
    domains.timeline.readers.openWith(federation.peeks);
    domains.timeline.relationships.fetchFrom(federation.relationships);
    const { joining, memberChanges, creation } = domains.rooms;
    for (const domain of [joining, memberChanges, creation]) domain.useRemote(federation.memberships);
  } else log.info(NOT_FEDERATING, { server_name: config.server_name });
  const routes = routesOf(config, domains, federation, heap);
  const parts = {
    authenticate: {
      user: authenticateWith(users),
      server: federation?.authenticateServer,
    },
    ownAnswers: (user: number) => sync.notifier.answered(user),
    rateLimits: new RateLimits(clock, rateLimitSizes(config)),
    bodyBytesMax: config.limits.body_bytes,
    clock,
    log,
    metrics,
  };
  const settings = httpSettings(config);
  const http = await startHttp(routes, parts, settings);
  watchCertificates(config, settings, http, background, log);
  closing.add(http, { close: () => activity.typing.end() });
  return {
    urls: http.urls,
    routes,
    firstToken: await firstToken(config, users),
    authenticateServer: federation?.authenticateServer,
    close: () => closing.closeAll(),
  };
}

async function openMetrics(config: Config, closing: Closing): Promise<Metrics> {
  const { listen } = config.metrics;
  if (listen === undefined) return noMetrics;
  const { createPrometheus } = await import('../platform/monitoring/prometheus.ts');
  const prometheus = createPrometheus();
  closing.add(await startMetrics(listen, prometheus));
  return prometheus;
}

/** Creates a token for the first account, if nobody has an account yet and registration needs a token. */
async function firstToken(config: Config, users: Users): Promise<string | undefined> {
  if (config.registration.policy === 'open' || (await users.accounts.havePeople())) return undefined;
  return users.registrationTokens.makeFirstStartToken();
}
