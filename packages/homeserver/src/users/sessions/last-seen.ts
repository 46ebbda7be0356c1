import type { Clock } from '../../platform/clock.ts';
import { plainText } from '../../platform/plain-text.ts';
import { setDeviceSeen } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';
import { RareWrites } from '../../storage/engine/rare-writes.ts';

/** When, from where and with what a device was last seen. */
export interface Seen {
  readonly ts: number;
  readonly ip: string;
  readonly agent: string | undefined;
}

const AGENT_LENGTH_MAX = 256;

/** A device that keeps calling is noted only so often. */
const NOTED_EVERY_MS = 30_000;

/** Where devices were last seen. */
export class LastSeen {
  readonly #clock: Clock;
  readonly #noted: RareWrites<number, Seen>;

  constructor(database: Database, clock: Clock) {
    this.#clock = clock;
    this.#noted = new RareWrites(database, (device, { ts, ip, agent }) => setDeviceSeen(device, ts, ip, agent ?? null));
  }

  /** Notes that the device has made a request. */
  touch(device: number, ip: string, agent: string | undefined): void {
    const last = this.#noted.of(device);
    const ts = this.#clock.now();
    if (last !== undefined && last.ip === ip && ts - last.ts < NOTED_EVERY_MS) return;
    this.#noted.note(device, {
      ts,
      ip,
      agent: agent === undefined ? undefined : plainText(agent, AGENT_LENGTH_MAX),
    });
  }

  /** What is known beyond the database. */
  of(device: number): Seen | undefined {
    return this.#noted.of(device);
  }

  /** Writes what has been noted. */
  flush(): Promise<void> {
    return this.#noted.flush();
  }
}
