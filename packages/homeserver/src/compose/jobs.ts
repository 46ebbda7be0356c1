import { type Clock, DAY_MS } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Domains } from './domains.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** The time for which transaction ids are kept. Clients do not repeat a request later. */
const TRANSACTIONS_KEPT_MS = DAY_MS;
/** The interval of indexing. It may be long, because a search waits until the index is up to date. */
const INDEX_EVERY_MS = 5 * MINUTE_MS;

/** Starts the background jobs of all domains. */
export function startJobs(domains: Domains, background: Background, clock: Clock, log: Log): void {
  const { users, rooms, encryption, timeline, sync, media, search, services, delayedEvents, push } = domains;
  const { toDeviceRetention } = encryption;
  const jobs: readonly (readonly [everyMs: number, name: string, run: () => Promise<void>])[] = [
    [5 * MINUTE_MS, 'storing when devices were last seen', () => users.lastSeen.flush()],
    [HOUR_MS, 'deleting old transaction ids', () => rooms.transactions.expire(clock.now() - TRANSACTIONS_KEPT_MS)],
    [HOUR_MS / 2, 'deleting expired sticky events', () => rooms.sticky.expire(clock.now())],
    [HOUR_MS, 'deleting old transaction ids of messages to devices', () => toDeviceRetention.expireTransactions()],
    [HOUR_MS, 'deleting messages to unseen devices', () => toDeviceRetention.run()],
    [6 * HOUR_MS, 'ending unused connections of sliding sync', () => sync.connections.expire()],
    [10 * MINUTE_MS, 'storing when media were last read', () => media.lastUsed.flush()],
    [
      6 * HOUR_MS,
      'deleting unused media',
      async () => log.info('unused media deleted', { ...(await media.collectGarbage(false)) }),
    ],
    [INDEX_EVERY_MS, 'indexing messages', () => search.messageIndexer.catchUp()],
    [INDEX_EVERY_MS, 'indexing users', () => search.people.catchUp()],
    [DAY_MS, 'deleting old reports', () => services.reports.expire()],
  ];
  for (const job of jobs) background.every(...job);
  if (timeline.retention.isActive) background.every(HOUR_MS, 'deleting old messages', () => services.purge.run());
  delayedEvents.start();
  background.start('resuming push notifications', () => push.push.resume());
}
