import type { Clock } from '../platform/clock.ts';
import { plainText } from '../platform/plain-text.ts';
import type { Database } from '../storage/database.ts';
import { setDeviceSeen } from '../storage/devices.ts';

/** When, from where and with what a device was last seen. */
export interface Seen {
  readonly ts: number;
  readonly ip: string;
  readonly agent: string | undefined;
}

/** More devices than that are not waited for: they are written at once. */
const UNWRITTEN_MAX = 5_000;

const AGENT_LENGTH_MAX = 256;

/** A device that keeps calling is noted only so often. */
const NOTED_EVERY_MS = 30_000;

/**
 * Where devices were last seen. Kept in memory and written rarely: losing the last minutes of it in a crash is
 * harmless, a write for each request is not.
 */
export class LastSeen {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #unwritten = new Map<number, Seen>();

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Notes that the device has made a request. */
  touch(device: number, ip: string, agent: string | undefined): void {
    const last = this.#unwritten.get(device);
    const ts = this.#clock.now();
    if (last !== undefined && last.ip === ip && ts - last.ts < NOTED_EVERY_MS) return;
    this.#unwritten.set(device, {
      ts,
      ip,
      agent: agent === undefined ? undefined : plainText(agent, AGENT_LENGTH_MAX),
    });
    if (this.#unwritten.size > UNWRITTEN_MAX) void this.flush();
  }

  /** What is known beyond the database. */
  of(device: number): Seen | undefined {
    return this.#unwritten.get(device);
  }

  /** Writes what has been noted. */
  async flush(): Promise<void> {
    const writes = [...this.#unwritten].map(([device, { ts, ip, agent }]) =>
      setDeviceSeen(device, ts, ip, agent ?? null),
    );
    this.#unwritten.clear();
    if (writes.length > 0) await this.#database.commit(writes);
  }
}
