import { limitExceeded } from '@hearth/protocol/errors.ts';
import { addressKey } from '../../platform/address-key.ts';
import type { Clock } from '../../platform/clock.ts';
import { type BucketSize, TokenBuckets } from '../../platform/token-buckets.ts';
import type { Accounts } from '../accounts.ts';

/** How many wrong passwords are answered; `false`: as many as come. */
export interface PasswordAttempts {
  readonly byUser: BucketSize | false;
  readonly byAddress: BucketSize | false;
}

/** Longer names are of no account. */
const KEY_LENGTH_MAX = 255;

/** Checks passwords wherever a request has one, and limits the attempts at them by user and by address. */
export class PasswordCheck {
  readonly #accounts: Accounts;
  readonly #byUser: TokenBuckets<string> | undefined;
  readonly #byAddress: TokenBuckets<string> | undefined;

  constructor(accounts: Accounts, clock: Clock, { byUser, byAddress }: PasswordAttempts) {
    this.#accounts = accounts;
    this.#byUser = byUser === false ? undefined : new TokenBuckets(clock, byUser);
    this.#byAddress = byAddress === false ? undefined : new TokenBuckets(clock, byAddress);
  }

  /**
   * Returns whether a password is right. Takes as long when there is no such account.
   * @param from the address of the request
   * @throws MatrixError M_LIMIT_EXCEEDED after too many wrong passwords
   */
  async isRight(userId: string, password: string, from: string): Promise<boolean> {
    const address = addressKey(from);
    const user = userId.slice(0, KEY_LENGTH_MAX);
    // Counted before the password is checked, so that parallel attempts count as well.
    const waitMs = Math.max(this.#byAddress?.take(address) ?? 0, this.#byUser?.take(user) ?? 0);
    if (waitMs > 0) throw limitExceeded(waitMs, 'Too many wrong passwords');
    const isRight = await this.#accounts.hasPassword(userId, password);
    if (isRight) {
      this.#byAddress?.giveBack(address);
      this.#byUser?.giveBack(user);
    }
    return isRight;
  }
}
