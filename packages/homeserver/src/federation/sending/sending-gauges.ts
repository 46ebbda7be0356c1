import type { Clock } from '../../platform/clock.ts';
import type { Metrics } from '../../platform/monitoring/metrics.ts';
import type { DestinationQueue } from './destination-queue.ts';
import type { Queues } from './queues.ts';
import type { SendingPositions } from './sending-positions.ts';

/** Registers the metrics of the queues for other servers. */
export function registerSendingGauges(
  metrics: Metrics,
  queues: Queues,
  positions: SendingPositions,
  clock: Clock,
): void {
  const sum = (count: (queue: DestinationQueue) => number) => {
    let total = 0;
    for (const [, queue] of queues.entries()) total += count(queue);
    return total;
  };
  metrics.gauge('hearth_federation_waiting_events', 'Events in memory that wait for other servers, once for each', () =>
    sum((queue) => queue.eventsWaiting),
  );
  metrics.gauge('hearth_federation_waiting_edus', 'EDUs in memory that wait for other servers, once for each', () =>
    sum((queue) => queue.edusWaiting),
  );
  metrics.gauge(
    'hearth_federation_late_servers',
    'Servers that do not receive events and catch up later',
    () => positions.lateCount,
  );
  metrics.gauge(
    'hearth_federation_oldest_waiting_event_seconds',
    'Age of the oldest event that waits for a server that is not late',
    () => oldestMs(queues, clock) / 1000,
  );
}

function oldestMs(queues: Queues, clock: Clock): number {
  let oldestMs = clock.elapsed();
  for (const [server, queue] of queues.entries()) {
    if (queue.behind === undefined && !queues.isLate(server))
      oldestMs = Math.min(oldestMs, queue.oldest?.queuedAtMs ?? oldestMs);
  }
  return clock.elapsed() - oldestMs;
}
