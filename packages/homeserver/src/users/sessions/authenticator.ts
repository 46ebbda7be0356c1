import { unknownToken } from '@hearth/protocol/errors.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import { readSession, type SessionRow, settleSuccession } from '../../storage/accounts/tokens.ts';
import type { Database } from '../../storage/engine/database.ts';
import type { Names } from '../../storage/engine/names.ts';
import { tokenHash } from './token-hash.ts';

/** The session of an access token. */
export interface Session {
  readonly userId: string;
  readonly user: number;
  /** Undefined for an application service that acts for a user without a device. */
  readonly deviceId: string | undefined;
  /** The number of the device; without a device the negative number of the user. */
  readonly device: number;
  readonly isGuest: boolean;
  readonly isAdmin: boolean;
  readonly isLocked: boolean;
  readonly isSuspended: boolean;
  /** The id of the application service that acts for the user, if one does. */
  readonly applicationService?: string;
  /** Whether the requests count against no rate limit. */
  readonly isUnlimited?: boolean;
}

interface CachedSession {
  readonly session: Session;
  readonly expires: number | null;
  readonly epoch: number;
}

const SESSIONS_MAX = 50_000;
const EPOCHS_MAX = 200_000;

/** Finds the sessions of access tokens. A cached token needs no query and no promise. */
export class Authenticator {
  readonly #database: Database;
  readonly #names: Names;
  readonly #clock: Clock;
  readonly #cache = new LruMap<string, CachedSession>(SESSIONS_MAX);
  /** The counts of changes to sessions by user. Sessions that were cached before the latest change are read again. */
  readonly #epochs = new Map<number, number>();
  #epoch = 0;

  constructor(database: Database, names: Names, clock: Clock) {
    this.#database = database;
    this.#names = names;
    this.#clock = clock;
  }

  /**
   * Returns the session of a token; undefined for an unknown token.
   * @throws MatrixError M_UNKNOWN_TOKEN with `soft_logout` when it has expired
   */
  authenticate(token: string): Session | Promise<Session | undefined> {
    const cached = this.#cache.get(token);
    if (cached === undefined || cached.epoch < this.#epochOf(cached.session.user)) {
      return this.#load(tokenHash(token), token);
    }
    this.#refuseExpired(cached.expires);
    return cached.session;
  }

  /** Evicts the sessions of a user. Callers call it after committing a change of a session or an account. */
  forget(user: number): void {
    if (this.#epochs.size >= EPOCHS_MAX) {
      this.#epochs.clear();
      this.#cache.clear();
    }
    this.#epoch += 1;
    this.#epochs.set(user, this.#epoch);
  }

  #epochOf(user: number): number {
    return this.#epochs.get(user) ?? 0;
  }

  /**
   * Refuses an expired access token so that the client may log in again to the same device (client-server API, "Soft
   * logout").
   */
  #refuseExpired(expires: number | null): void {
    if (expires !== null && expires <= this.#clock.now()) throw unknownToken(true, 'The access token has expired');
  }

  async #load(hash: Uint8Array, key: string): Promise<Session | undefined> {
    const epoch = this.#epoch;
    const row = await readSession(this.#database, hash);
    if (row === undefined) return undefined;
    this.#refuseExpired(row.expires);
    const session = presentSession(row, await this.#names.text(row.user_num));
    if (row.replaces === null) this.#cache.set(key, { session, expires: row.expires, epoch });
    else await this.#settle(row.user_num, row.device, row.replaces);
    return session;
  }

  /**
   * Invalidates the old refresh token when the new access token is used (client-server API, "Refreshing access
   * tokens").
   */
  async #settle(user: number, device: number, replaced: Uint8Array): Promise<void> {
    await this.#database.commit(settleSuccession(device, replaced));
    this.forget(user);
  }
}

function presentSession(row: SessionRow, userId: string): Session {
  return {
    userId,
    user: row.user_num,
    deviceId: row.device_id,
    device: row.device,
    isGuest: row.is_guest === 1,
    isAdmin: row.is_admin === 1,
    isLocked: row.is_locked === 1,
    isSuspended: row.is_suspended === 1,
  };
}
