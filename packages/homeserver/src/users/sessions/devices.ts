import { notFound } from '@hearth/protocol/errors.ts';
import { sanitiseText } from '../../platform/sanitise-text.ts';
import { type DeviceRow, readDevice, readDevices, renameDevice } from '../../storage/accounts/devices.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { LastSeen } from './last-seen.ts';

/** The maximum length of a device name. Longer names are cut off. */
export const NAME_LENGTH_MAX = 256;

/** A device as its owner may see it. */
export interface Device {
  readonly num: number;
  readonly deviceId: string;
  readonly displayName: string | undefined;
  readonly seenTs: number | undefined;
  readonly seenIp: string | undefined;
  readonly seenAgent: string | undefined;
}

export type DeviceRenamed = (user: number, device: number) => Promise<void>;

/** Reads and renames devices. `sessions.ts` creates and removes them. */
export class Devices {
  readonly #database: Database;
  readonly #lastSeen: LastSeen;
  readonly #renamed: DeviceRenamed[] = [];

  constructor(database: Database, lastSeen: LastSeen) {
    this.#database = database;
    this.#lastSeen = lastSeen;
  }

  /** Calls `renamed` after a device was renamed, and waits for it. */
  onRenamed(renamed: DeviceRenamed): void {
    this.#renamed.push(renamed);
  }

  async list(user: number): Promise<Device[]> {
    const rows = await readDevices(this.#database, user);
    return rows.map((row) => this.#present(row));
  }

  async find(user: number, deviceId: string): Promise<Device | undefined> {
    const row = await readDevice(this.#database, user, deviceId);
    return row === undefined ? undefined : this.#present(row);
  }

  /** @throws MatrixError M_NOT_FOUND */
  async get(user: number, deviceId: string): Promise<Device> {
    const device = await this.find(user, deviceId);
    if (device === undefined) throw notFound('You have no device with this id');
    return device;
  }

  /** @throws MatrixError M_NOT_FOUND */
  async rename(user: number, deviceId: string, displayName: string): Promise<void> {
    const { num } = await this.get(user, deviceId);
    await this.#database.commit([renameDevice(num, sanitiseText(displayName, NAME_LENGTH_MAX))]);
    for (const renamed of this.#renamed) await renamed(user, num);
  }

  #present(row: DeviceRow): Device {
    const seen = this.#lastSeen.of(row.num);
    return {
      num: row.num,
      deviceId: row.device_id,
      displayName: row.display_name ?? undefined,
      seenTs: seen?.ts ?? row.seen_ts ?? undefined,
      seenIp: seen?.ip ?? row.seen_ip ?? undefined,
      seenAgent: seen?.agent ?? row.seen_agent ?? undefined,
    };
  }
}
