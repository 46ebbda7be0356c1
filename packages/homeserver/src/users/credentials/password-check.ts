import { limitExceeded } from '@hearth/protocol/errors.ts';
import { addressKey } from '../../platform/address-key.ts';
import type { Clock } from '../../platform/clock.ts';
import { type BucketSize, TokenBuckets } from '../../platform/token-buckets.ts';
import type { Accounts } from '../accounts.ts';

/** The limits for wrong passwords; `false`: no limit. */
export interface PasswordAttempts {
  readonly byUser: BucketSize | false;
  readonly byAddress: BucketSize | false;
}

/** The maximum length of a name that is counted. No account has a longer one. */
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
   * Returns whether a password is right. The check takes as long for an account that does not exist.
   * @param from the address of the request
   * @throws MatrixError M_LIMIT_EXCEEDED after too many wrong passwords
   */
  async isRight(userId: string, password: string, from: string): Promise<boolean> {
    const address = addressKey(from);
    const user = userId.slice(0, KEY_LENGTH_MAX);
    // The attempt is counted before the check, so that parallel attempts are counted too.
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
