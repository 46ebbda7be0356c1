import { LruMap } from '../platform/caches/lru.ts';
import type { Clock, Timer } from '../platform/clock.ts';
import type { Background } from '../platform/concurrency/background.ts';
import { deleteToDeviceMessages, readToDeviceMessages, type ToDeviceRow } from '../storage/encryption/to-device.ts';
import type { Database } from '../storage/engine/database.ts';
import { positionOfRow } from '../storage/engine/row-numbers.ts';

/** The cached state of a device. */
interface Known {
  /** The position of the last message that may still be on disk; 0 without one, undefined if it is not loaded. */
  last: number | undefined;
  /** The position of the last message that has arrived since the start of the process. */
  newest: number;
}

/** Messages for a device, the oldest first. */
export interface Delivery {
  /** Events as JSON texts. */
  readonly texts: readonly string[];
  /** The position up to which the delivery goes, if more messages are waiting. */
  readonly through: number | undefined;
}

const NOTHING: Delivery = { texts: [], through: undefined };
const CACHED_DEVICES_MAX = 100_000;

/** The maximum number of messages in an answer: "100 messages is recommended as a reasonable limit." */
const DELIVERED_MAX = 100;

/** The delay of deletions, so that one transaction deletes the messages of several answers. */
const DELETE_AFTER_MS = 1_000;

/** Messages that wait for devices. A device without messages causes no query. */
export class ToDeviceInbox {
  readonly #database: Database;
  readonly #background: Background;
  readonly #clock: Clock;
  readonly #devices = new LruMap<number, Known>(CACHED_DEVICES_MAX);
  /** The positions up to which devices have acknowledged messages that are still on disk. */
  readonly #acknowledged = new Map<number, number>();
  #timer: Timer | undefined;

  constructor(database: Database, clock: Clock, background: Background) {
    this.#database = database;
    this.#clock = clock;
    this.#background = background;
  }

  /** Records that a new device has no messages. */
  deviceAdded(device: number): void {
    this.#devices.set(device, { last: 0, newest: 0 });
  }

  /** Evicts removed devices. */
  forget(devices: Iterable<number>): void {
    for (const device of devices) this.#devices.delete(device);
  }

  /** Records that a message for each of these devices is on disk. */
  arrived(devices: Iterable<number>, position: number): void {
    for (const device of devices) {
      const known = this.#devices.get(device);
      if (known === undefined) {
        // Earlier messages are not known, so the next request reads them.
        this.#devices.set(device, { last: undefined, newest: position });
        continue;
      }
      known.newest = position;
      if (known.last !== undefined) known.last = position;
    }
  }

  /**
   * Returns the messages for a device after one position and up to another. Earlier messages were delivered and are
   * removed ("Server behaviour"). Without `after` none were delivered.
   */
  async receive(device: number, after: number | undefined, upTo: number): Promise<Delivery> {
    const known = this.#devices.get(device);
    const from = Math.max(after ?? 0, this.#acknowledged.get(device) ?? 0);
    if (known?.last !== undefined && known.last <= from) {
      if (known.last > 0) this.#acknowledge(device, known.last);
      known.last = 0;
      known.newest = 0;
      return NOTHING;
    }
    return this.#read(device, from, upTo);
  }

  /** Reads messages without removing any. */
  async look(device: number, after: number, upTo: number, limit = DELIVERED_MAX): Promise<Delivery> {
    return delivery(await readToDeviceMessages(this.#database, device, { after, upTo }, limit + 1), limit);
  }

  async #read(device: number, after: number, upTo: number): Promise<Delivery> {
    const rows = await readToDeviceMessages(this.#database, device, { after, upTo }, DELIVERED_MAX + 1);
    if (after > 0) this.#acknowledge(device, after);
    if (rows.length <= DELIVERED_MAX) this.#learn(device, rows.at(-1));
    return delivery(rows, DELIVERED_MAX);
  }

  /** Records the result of reading all messages of a device, and messages that may have arrived since. */
  #learn(device: number, last: ToDeviceRow | undefined): void {
    const { newest } = this.#devices.get(device) ?? { newest: 0 };
    const found = last === undefined ? 0 : positionOfRow(last.num);
    this.#devices.set(device, { last: Math.max(found, newest), newest });
  }

  /** Deletes acknowledged messages later, with those of other devices. After a crash, the next request deletes them. */
  #acknowledge(device: number, upTo: number): void {
    this.#timer ??= this.#clock.after(DELETE_AFTER_MS, () =>
      this.#background.start('deleting delivered to-device messages', () => this.deleteAcknowledged()),
    );
    this.#acknowledged.set(device, Math.max(upTo, this.#acknowledged.get(device) ?? 0));
  }

  /** Deletes all acknowledged messages. */
  async deleteAcknowledged(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const acknowledged = [...this.#acknowledged];
    if (acknowledged.length === 0) return;
    await this.#database.commit(acknowledged.map(([device, upTo]) => deleteToDeviceMessages(device, upTo)));
    // Until they are deleted, requests with an older token must not get these messages again.
    for (const [device, upTo] of acknowledged)
      if (this.#acknowledged.get(device) === upTo) this.#acknowledged.delete(device);
  }
}

/** Returns at most `limit` messages. Ends between two positions, because a client acknowledges whole positions. */
function delivery(rows: readonly ToDeviceRow[], limit: number): Delivery {
  if (rows.length === 0) return NOTHING;
  const first = rows[limit];
  const through = first === undefined ? undefined : positionOfRow(first.num) - 1;
  const delivered = through === undefined ? rows : rows.filter(({ num }) => positionOfRow(num) <= through);
  return { texts: delivered.map(({ json }) => json), through };
}
