import { unknownToken, userLocked } from '@hearth/protocol/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Random, randomLetters, randomText } from '../../platform/random.ts';
import { sanitiseText } from '../../platform/sanitise-text.ts';
import {
  type DeviceRow,
  deleteDevices,
  insertDevice,
  readDevice,
  readDevices,
  readLastDeviceNum,
} from '../../storage/accounts/devices.ts';
import {
  deleteSuccessors,
  deleteTokensOfDevices,
  guardRefreshToken,
  insertAccessToken,
  insertRefreshToken,
  readRefreshToken,
  settleSuccession,
} from '../../storage/accounts/tokens.ts';
import { type Database, Fenced, type Write } from '../../storage/engine/database.ts';
import type { Change, Stream } from '../../storage/engine/stream.ts';
import type { Authenticator } from './authenticator.ts';
import type { DeviceNumbers } from './device-numbers.ts';
import { NAME_LENGTH_MAX } from './devices.ts';
import { tokenHash } from './token-hash.ts';

/** The options of a login. */
export interface LoginOptions {
  readonly deviceId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly refreshToken?: boolean | undefined;
}

/** The session as the client gets it, with the only copies of its tokens. */
export interface NewSession {
  readonly deviceId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInMs?: number;
}

/**
 * The removal of data that belong to removed devices: writes for the same transaction, before the devices are deleted,
 * and changes announced after it.
 */
export interface DataRemoval {
  readonly writes: readonly Write[];
  readonly changes: readonly Change[];
  /** Evicts cached copies. Called when the transaction is on disk. */
  readonly committed: () => void;
}

/** A function that is called before devices are removed. The commit follows without an `await`. */
export type DevicesRemoved = (user: number, devices: readonly number[]) => DataRemoval;

/**
 * A function that loads what it needs before devices are removed. The commit follows the returned function without an
 * `await`.
 */
export type PrepareRemoval = (user: number, deviceIds: readonly string[]) => Promise<() => DataRemoval>;

export type DeviceAdded = (user: number, device: number) => void;

interface SessionsParts {
  readonly database: Database;
  readonly stream: Stream;
  readonly deviceNumbers: DeviceNumbers;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly random: Random;
  /** The lifetime of an access token with a refresh token, in milliseconds. */
  readonly accessTokenMs: number;
}

/** The maximum number of devices of a user. A further login removes the device that was seen least recently. */
const DEVICES_MAX = 2_000;

/** Opens, renews and closes sessions: devices with their tokens. */
export class Sessions {
  readonly #parts: SessionsParts;
  readonly #database: Database;
  readonly #authenticator: Authenticator;
  readonly #removed: DevicesRemoved[] = [];
  readonly #prepared: PrepareRemoval[] = [];
  readonly #added: DeviceAdded[] = [];
  #lastDevice: number;

  private constructor(parts: SessionsParts, lastDevice: number) {
    this.#parts = parts;
    this.#database = parts.database;
    this.#authenticator = parts.authenticator;
    this.#lastDevice = lastDevice;
  }

  static async open(parts: SessionsParts): Promise<Sessions> {
    return new Sessions(parts, await readLastDeviceNum(parts.database));
  }

  /** Calls `removed` for data that belong to devices before the devices are removed. */
  onRemoved(removed: DevicesRemoved): void {
    this.#removed.push(removed);
  }

  /** Calls `prepare` for data that belong to ids of devices before the devices are removed. */
  onRemoving(prepare: PrepareRemoval): void {
    this.#prepared.push(prepare);
  }

  /** Calls `added` after a new device is on disk. */
  onAdded(added: DeviceAdded): void {
    this.#added.push(added);
  }

  /** Logs a user in on the given device, whose old tokens become invalid, or on a new one. */
  async login(user: number, options: LoginOptions): Promise<NewSession> {
    const deviceId = options.deviceId ?? randomLetters(this.#parts.random, 10);
    const known = await readDevice(this.#database, user, deviceId);
    const device = known?.num ?? this.#nextDevice();
    const tokens = this.#makeTokens(user, device, options.refreshToken === true, null);
    const display_name = options.displayName === undefined ? null : sanitiseText(options.displayName, NAME_LENGTH_MAX);
    const created = this.#parts.clock.now();
    const first = known
      ? deleteTokensOfDevices([device])
      : insertDevice({ num: device, user_num: user, device_id: deviceId, display_name, created });
    try {
      await this.#database.commit([...first, ...tokens.writes]);
    } catch (error) {
      // A concurrent login created a device with this id, so the login uses that device.
      if (error instanceof Fenced) return this.login(user, { ...options, deviceId });
      throw error;
    }
    if (known) this.#authenticator.forget(user);
    else {
      this.#announceNew(user, deviceId, device);
      await this.#removeExcess(user, device);
    }
    return { deviceId, ...tokens.session };
  }

  /**
   * Creates a device without a session, together with other writes.
   * @throws Fenced when the user already has a device with this id
   */
  async addDevice(
    user: number,
    { deviceId, displayName }: { readonly deviceId: string; readonly displayName: string | undefined },
    writes: (device: number) => readonly Write[],
  ): Promise<number> {
    const device = this.#nextDevice();
    const display_name = displayName === undefined ? null : sanitiseText(displayName, NAME_LENGTH_MAX);
    const created = this.#parts.clock.now();
    const made = insertDevice({ num: device, user_num: user, device_id: deviceId, display_name, created });
    await this.#database.commit([...made, ...writes(device)]);
    this.#announceNew(user, deviceId, device);
    return device;
  }

  /** Creates a device without a session. Returns false if the user has one with this id, from a concurrent request perhaps. */
  async ensureDevice(
    user: number,
    device: { readonly deviceId: string; readonly displayName: string | undefined },
  ): Promise<boolean> {
    try {
      await this.addDevice(user, device, () => []);
      return true;
    } catch (error) {
      if (error instanceof Fenced) return false;
      throw error;
    }
  }

  /**
   * Returns new tokens for a refresh token, which stays valid until one of them is used ("Refreshing access tokens").
   * @throws MatrixError M_UNKNOWN_TOKEN, M_USER_LOCKED
   */
  async refresh(refreshToken: string): Promise<Omit<NewSession, 'deviceId'>> {
    const hash = tokenHash(refreshToken);
    const row = await readRefreshToken(this.#database, hash);
    if (row === undefined) throw unknownToken(false, 'Unrecognised refresh token');
    if (row.is_locked === 1) throw userLocked();
    const { writes, session } = this.#makeTokens(row.user_num, row.device, true, hash);
    const settle = row.replaces === null ? [] : settleSuccession(row.device, row.replaces);
    try {
      await this.#database.commit([guardRefreshToken(hash), ...settle, ...deleteSuccessors(hash), ...writes]);
    } catch (error) {
      if (error instanceof Fenced) throw unknownToken(false, 'Unrecognised refresh token');
      throw error;
    }
    this.#authenticator.forget(row.user_num);
    return session;
  }

  /** Ends sessions: removes the devices and everything that belongs to them. */
  async logout(user: number, devices: readonly number[]): Promise<void> {
    if (devices.length === 0) return;
    const ended = new Set(devices);
    const rows = (await readDevices(this.#database, user)).filter(({ num }) => ended.has(num));
    await this.#end(user, devices, rows);
  }

  /** Ends the sessions of those devices of a user that have one of the ids. Unknown ids are skipped. */
  async logoutDevices(user: number, deviceIds: readonly string[]): Promise<void> {
    const wanted = new Set(deviceIds);
    const devices = await readDevices(this.#database, user);
    await this.#endAll(
      user,
      devices.filter(({ device_id }) => wanted.has(device_id)),
    );
  }

  /** Ends all sessions of a user, or all except one. */
  async logoutAll(user: number, exceptDevice?: number): Promise<void> {
    const devices = await readDevices(this.#database, user);
    await this.#endAll(
      user,
      devices.filter(({ num }) => num !== exceptDevice),
    );
  }

  async #endAll(user: number, rows: readonly DeviceRow[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#end(
      user,
      rows.map(({ num }) => num),
      rows,
    );
  }

  async #end(user: number, devices: readonly number[], rows: readonly DeviceRow[]): Promise<void> {
    const deviceIds = rows.map(({ device_id }) => device_id);
    const prepared = await Promise.all(this.#prepared.map((prepare) => prepare(user, deviceIds)));
    const departures = [
      ...this.#removed.map((removed) => removed(user, devices)),
      ...prepared.map((remove) => remove()),
    ];
    const writes = departures.flatMap((departure) => departure.writes);
    const changes = departures.flatMap((departure) => departure.changes);
    const own = [...deleteTokensOfDevices(devices), deleteDevices(devices)];
    await this.#parts.stream.commit([...writes, ...own], changes, () => {
      this.#authenticator.forget(user);
      this.#parts.deviceNumbers.changed(user);
      for (const { committed } of departures) committed();
    });
  }

  #announceNew(user: number, deviceId: string, device: number): void {
    this.#parts.deviceNumbers.added(user, deviceId, device);
    for (const added of this.#added) added(user, device);
  }

  #nextDevice(): number {
    this.#lastDevice += 1;
    return this.#lastDevice;
  }

  #makeTokens(user: number, device: number, refreshable: boolean, replaces: Uint8Array | null) {
    const accessToken = `hearth_at_${randomText(this.#parts.random, 32)}`;
    const expires = refreshable ? this.#parts.clock.now() + this.#parts.accessTokenMs : null;
    const writes: Write[] = [insertAccessToken({ hash: tokenHash(accessToken), user, device, replaces }, expires)];
    if (!refreshable) return { writes, session: { accessToken } };
    const refreshToken = `hearth_rt_${randomText(this.#parts.random, 32)}`;
    writes.push(insertRefreshToken({ hash: tokenHash(refreshToken), user, device, replaces }));
    return { writes, session: { accessToken, refreshToken, expiresInMs: this.#parts.accessTokenMs } };
  }

  async #removeExcess(user: number, newest: number): Promise<void> {
    const devices = await readDevices(this.#database, user);
    if (devices.length <= DEVICES_MAX) return;
    const byAge = devices.filter(({ num }) => num !== newest).sort((a, b) => seen(a) - seen(b));
    await this.#endAll(user, byAge.slice(0, devices.length - DEVICES_MAX));
  }
}

function seen(device: { readonly seen_ts: number | null; readonly created: number }): number {
  return device.seen_ts ?? device.created;
}
