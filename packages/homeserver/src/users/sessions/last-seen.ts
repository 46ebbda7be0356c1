import type { Clock } from '../../platform/clock.ts';
import { sanitiseText } from '../../platform/sanitise-text.ts';
import { setDeviceSeen } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';
import { RareWrites } from '../../storage/engine/rare-writes.ts';

/** The time, address and user agent of a device's last request. */
export interface Seen {
  readonly ts: number;
  readonly ip: string;
  readonly agent: string | undefined;
}

const AGENT_LENGTH_MAX = 256;

/** The minimum time between two records of the same device. */
const NOTED_EVERY_MS = 30_000;

/** Records when and where devices were last seen. */
export class LastSeen {
  readonly #clock: Clock;
  readonly #noted: RareWrites<number, Seen>;

  constructor(database: Database, clock: Clock) {
    this.#clock = clock;
    this.#noted = new RareWrites(database, (device, { ts, ip, agent }) => setDeviceSeen(device, ts, ip, agent ?? null));
  }

  /** Records a request of a device. */
  touch(device: number, ip: string, agent: string | undefined): void {
    const last = this.#noted.of(device);
    const ts = this.#clock.now();
    if (last !== undefined && last.ip === ip && ts - last.ts < NOTED_EVERY_MS) return;
    this.#noted.note(device, {
      ts,
      ip,
      agent: agent === undefined ? undefined : sanitiseText(agent, AGENT_LENGTH_MAX),
    });
  }

  /** Returns the record of a device that is not in the database yet. */
  of(device: number): Seen | undefined {
    return this.#noted.of(device);
  }

  /** Writes the records to the database. */
  flush(): Promise<void> {
    return this.#noted.flush();
  }
}
