import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import {
  deleteFirstStartTokens,
  deleteSpentRegistrationTokens,
  hasUsableRegistrationToken,
  insertRegistrationToken,
  readRegistrationToken,
  takeRegistrationToken,
} from '../../storage/accounts/registration-tokens.ts';
import type { Database, Write } from '../../storage/engine/database.ts';
import { tokenHash } from '../sessions/token-hash.ts';

/** Tokens that permit registration (client-server API, "Token-authenticated registration"). */
export class RegistrationTokens {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(database: Database, clock: Clock, random: Random) {
    this.#database = database;
    this.#clock = clock;
    this.#random = random;
  }

  /** Returns whether a usable token exists. */
  exist(): Promise<boolean> {
    return hasUsableRegistrationToken(this.#database, this.#clock.now());
  }

  async isValid(token: string): Promise<boolean> {
    const row = await readRegistrationToken(this.#database, tokenHash(token));
    if (row === undefined || (row.uses_left !== null && row.uses_left <= 0)) return false;
    return row.expires === null || row.expires > this.#clock.now();
  }

  /** Returns whether a user who registers with the token becomes an administrator. */
  async makesAdmin(token: string): Promise<boolean> {
    return (await readRegistrationToken(this.#database, tokenHash(token)))?.makes_admin === 1;
  }

  /** Returns the writes that use the token once, for the transaction that creates the account. */
  take(token: string): Write[] {
    const now = this.#clock.now();
    return [takeRegistrationToken(tokenHash(token), now), deleteSpentRegistrationTokens(now)];
  }

  /** Creates the token that is printed at the first start. An unused token of an earlier start becomes invalid. */
  async makeFirstStartToken(): Promise<string> {
    const token = randomText(this.#random, 24);
    const row = { hash: tokenHash(token), usesLeft: 1, expires: null, makesAdmin: true, firstStart: true };
    await this.#database.commit([deleteFirstStartTokens(), insertRegistrationToken(row)]);
    return token;
  }
}
