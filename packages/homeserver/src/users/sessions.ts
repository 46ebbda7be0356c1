import { unknownToken, userLocked } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { plainText } from '../platform/plain-text.ts';
import { type Random, randomLetters, randomText } from '../platform/random.ts';
import { type Database, Fenced, type Write } from '../storage/database.ts';
import { deleteDevices, insertDevice, readDevice, readDevices, readLastDeviceNum } from '../storage/devices.ts';
import {
  deleteSuccessors,
  deleteTokensOfDevices,
  guardRefreshToken,
  insertAccessToken,
  insertRefreshToken,
  readRefreshToken,
  settleSuccession,
} from '../storage/tokens.ts';
import type { Authenticator } from './authenticator.ts';
import { NAME_LENGTH_MAX } from './devices.ts';
import { tokenHash } from './token-hash.ts';

/** What a client asks for when it logs in. */
export interface LoginOptions {
  readonly deviceId?: string | undefined;
  readonly displayName?: string | undefined;
  readonly refreshToken?: boolean | undefined;
}

/** What a client gets: tokens appear here and nowhere else. */
export interface NewSession {
  readonly deviceId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInMs?: number;
}

export type DevicesRemoved = (user: number, devices: readonly number[]) => void;

/** A user who logs in more often than that loses the device that was seen least recently. */
const DEVICES_MAX = 2_000;

/** Opens, renews and closes sessions: devices with their tokens. */
export class Sessions {
  readonly #database: Database;
  readonly #authenticator: Authenticator;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #accessTokenMs: number;
  readonly #removed: DevicesRemoved[] = [];
  #lastDevice: number;

  private constructor(
    parts: { database: Database; authenticator: Authenticator; clock: Clock; random: Random; accessTokenMs: number },
    lastDevice: number,
  ) {
    this.#database = parts.database;
    this.#authenticator = parts.authenticator;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#accessTokenMs = parts.accessTokenMs;
    this.#lastDevice = lastDevice;
  }

  static async open(parts: {
    database: Database;
    authenticator: Authenticator;
    clock: Clock;
    random: Random;
    /** How long an access token lives that comes with a refresh token. */
    accessTokenMs: number;
  }): Promise<Sessions> {
    return new Sessions(parts, await readLastDeviceNum(parts.database));
  }

  /** Calls `removed` after devices are gone. */
  onRemoved(removed: DevicesRemoved): void {
    this.#removed.push(removed);
  }

  /** Logs a user in: on the device named, whose old tokens go, or on a new one. */
  async login(user: number, options: LoginOptions): Promise<NewSession> {
    const deviceId = options.deviceId ?? randomLetters(this.#random, 10);
    const known = await readDevice(this.#database, user, deviceId);
    const device = known?.num ?? this.#nextDevice();
    const tokens = this.#makeTokens(user, device, options.refreshToken === true, null);
    const display_name = options.displayName === undefined ? null : plainText(options.displayName, NAME_LENGTH_MAX);
    const created = this.#clock.now();
    const first = known
      ? deleteTokensOfDevices([device])
      : insertDevice({ num: device, user_num: user, device_id: deviceId, display_name, created });
    try {
      await this.#database.commit([...first, ...tokens.writes]);
    } catch (error) {
      // The same device id was made meanwhile: it is a known device now.
      if (error instanceof Fenced) return this.login(user, { ...options, deviceId });
      throw error;
    }
    if (known) this.#authenticator.forget(user);
    else await this.#removeExcess(user, device);
    return { deviceId, ...tokens.session };
  }

  /**
   * New tokens for a refresh token, which stays valid until one of them is used ("Refreshing access tokens").
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

  /** Ends sessions: the devices and everything that belongs to them. */
  async logout(user: number, devices: readonly number[]): Promise<void> {
    if (devices.length === 0) return;
    await this.#database.commit([...deleteTokensOfDevices(devices), deleteDevices(devices)]);
    this.#authenticator.forget(user);
    for (const removed of this.#removed) removed(user, devices);
  }

  /** Ends all sessions of a user, or all but one. */
  async logoutAll(user: number, exceptDevice?: number): Promise<void> {
    const devices = await readDevices(this.#database, user);
    await this.logout(
      user,
      devices.map(({ num }) => num).filter((num) => num !== exceptDevice),
    );
  }

  #nextDevice(): number {
    this.#lastDevice += 1;
    return this.#lastDevice;
  }

  #makeTokens(user: number, device: number, refreshable: boolean, replaces: Uint8Array | null) {
    const accessToken = `hearth_at_${randomText(this.#random, 32)}`;
    const expires = refreshable ? this.#clock.now() + this.#accessTokenMs : null;
    const writes: Write[] = [insertAccessToken({ hash: tokenHash(accessToken), user, device, replaces }, expires)];
    if (!refreshable) return { writes, session: { accessToken } };
    const refreshToken = `hearth_rt_${randomText(this.#random, 32)}`;
    writes.push(insertRefreshToken({ hash: tokenHash(refreshToken), user, device, replaces }));
    return { writes, session: { accessToken, refreshToken, expiresInMs: this.#accessTokenMs } };
  }

  async #removeExcess(user: number, newest: number): Promise<void> {
    const devices = await readDevices(this.#database, user);
    if (devices.length <= DEVICES_MAX) return;
    const byAge = devices.filter(({ num }) => num !== newest).sort((a, b) => seen(a) - seen(b));
    await this.logout(
      user,
      byAge.slice(0, devices.length - DEVICES_MAX).map(({ num }) => num),
    );
  }
}

function seen(device: { readonly seen_ts: number | null; readonly created: number }): number {
  return device.seen_ts ?? device.created;
}
