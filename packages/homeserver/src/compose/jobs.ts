import type { Clock } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Domains } from './domains.ts';

const LAST_SEEN_EVERY_MS = 5 * 60_000;
const STICKY_EVERY_MS = 30 * 60_000;
const CONNECTIONS_EVERY_MS = 6 * 60 * 60_000;
const TRANSACTIONS_EVERY_MS = 60 * 60_000;
/** The time for which transaction ids are kept. Clients do not repeat a request later. */
const TRANSACTIONS_KEPT_MS = 24 * 60 * 60_000;
const MEDIA_GARBAGE_EVERY_MS = 6 * 60 * 60_000;
const MEDIA_USED_EVERY_MS = 10 * 60_000;

/** Starts the background jobs of the domains. */
export function startJobs(
  { users, rooms, sync, media, delayedEvents, push }: Domains,
  background: Background,
  clock: Clock,
  log: Log,
): void {
  background.every(LAST_SEEN_EVERY_MS, 'noting where devices were seen', () => users.lastSeen.flush());
  background.every(TRANSACTIONS_EVERY_MS, 'forgetting old transaction ids', () =>
    rooms.transactions.expire(clock.now() - TRANSACTIONS_KEPT_MS),
  );
  background.every(STICKY_EVERY_MS, 'forgetting events that are no longer sticky', () =>
    rooms.sticky.expire(clock.now()),
  );
  background.every(CONNECTIONS_EVERY_MS, 'ending connections that nobody uses', () => sync.connections.expire());
  background.every(MEDIA_USED_EVERY_MS, 'noting which media are read', () => media.lastUsed.flush());
  background.every(MEDIA_GARBAGE_EVERY_MS, 'removing media that nobody needs', async () => {
    log.info('removed media that nobody needs', { ...(await media.collectGarbage(false)) });
  });
  delayedEvents.start();
  background.start('going on with push notifications', () => push.push.resume());
}
