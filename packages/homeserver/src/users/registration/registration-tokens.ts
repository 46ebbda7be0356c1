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

/** Tokens with which people may register (client-server API, "Token-authenticated registration"). */
export class RegistrationTokens {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(database: Database, clock: Clock, random: Random) {
    this.#database = database;
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether there is a token that somebody could use. */
  exist(): Promise<boolean> {
    return hasUsableRegistrationToken(this.#database, this.#clock.now());
  }

  async isValid(token: string): Promise<boolean> {
    const row = await readRegistrationToken(this.#database, tokenHash(token));
    if (row === undefined || (row.uses_left !== null && row.uses_left <= 0)) return false;
    return row.expires === null || row.expires > this.#clock.now();
  }

  /** Whether who registers with the token becomes an administrator. */
  async makesAdmin(token: string): Promise<boolean> {
    return (await readRegistrationToken(this.#database, tokenHash(token)))?.makes_admin === 1;
  }

  /** What uses the token once, in the transaction that creates the account. */
  take(token: string): Write[] {
    const now = this.#clock.now();
    return [takeRegistrationToken(tokenHash(token), now), deleteSpentRegistrationTokens(now)];
  }

  /** Makes the token that is printed at the first start; an unused one of an earlier start is no longer valid. */
  async makeFirstStartToken(): Promise<string> {
    const token = randomText(this.#random, 24);
    const row = { hash: tokenHash(token), usesLeft: 1, expires: null, makesAdmin: true, firstStart: true };
    await this.#database.commit([deleteFirstStartTokens(), insertRegistrationToken(row)]);
    return token;
  }
}
