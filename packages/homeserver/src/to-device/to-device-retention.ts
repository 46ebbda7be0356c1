import { type Clock, DAY_MS } from '../platform/clock.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Counter, Metrics } from '../platform/monitoring/metrics.ts';
import {
  deleteExcessMessages,
  deleteOldToDeviceTransactions,
  readExcessMessages,
  readUnseenDevices,
} from '../storage/encryption/to-device.ts';
import type { Database } from '../storage/engine/database.ts';
import { deleteOldReceivedMessages } from '../storage/federation/received-messages.ts';
import type { LastSeen } from '../users/sessions/last-seen.ts';

/** The maximum size of messages for a device that is not seen any more, in characters of JSON. */
const UNSEEN_LENGTH_MAX = 16 * 1024 * 1024;

const TRANSACTIONS_KEPT_MS = DAY_MS;
/** The time for which ids of messages of other servers are kept. Servers repeat a message for days. */
const RECEIVED_KEPT_MS = 30 * DAY_MS;

interface RetentionParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn'>;
  readonly metrics: Metrics;
  readonly lastSeen: LastSeen;
  /** Messages are never deleted for a device that was seen within this time, in milliseconds. */
  readonly keptMs: number;
}

/**
 * Deletes messages to devices that were not seen for long: messages older than that time, and the oldest ones beyond 16
 * MiB. Messages for other devices are never deleted, because they contain room keys.
 */
export class ToDeviceRetention {
  readonly #parts: RetentionParts;
  readonly #dropped: Counter;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#dropped = parts.metrics.counter(
      'hearth_to_device_dropped_total',
      'To-device messages that were deleted because their device was not seen for a long time',
    );
  }

  /**
   * Deletes old transaction ids, because clients do not repeat a request later, and old ids of messages of other
   * servers.
   */
  async expireTransactions(): Promise<void> {
    const { database, clock } = this.#parts;
    await database.commit([
      deleteOldToDeviceTransactions(clock.now() - TRANSACTIONS_KEPT_MS),
      deleteOldReceivedMessages(clock.now() - RECEIVED_KEPT_MS),
    ]);
  }

  /** Processes all devices that were not seen for long. */
  async run(): Promise<void> {
    const { database, clock, lastSeen, keptMs, log } = this.#parts;
    const sinceTs = clock.now() - keptMs;
    for (const device of await readUnseenDevices(database, sinceTs)) {
      if ((lastSeen.of(device)?.ts ?? 0) >= sinceTs) continue;
      const excess = await readExcessMessages(database, device, { sinceTs, lengthMax: UNSEEN_LENGTH_MAX });
      if (excess === undefined) continue;
      await database.commit([deleteExcessMessages(device, excess)]);
      this.#dropped.add(excess.count);
      log.warn('deleted to-device messages for an unseen device', { device, count: excess.count });
    }
  }
}
