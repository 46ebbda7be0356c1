import { forbidden, invalidUsername, userLocked, userSuspended } from '@hearth/protocol/errors.ts';
import type { Account, AccountOptions, Accounts } from '../accounts.ts';
import type { Authenticator, Session } from '../sessions/authenticator.ts';
import type { Sessions } from '../sessions/sessions.ts';

/** Turns guests into members who keep their user id and their rooms (client-server API, "Guest Access"). */
export class GuestUpgrade {
  readonly #accounts: Accounts;
  readonly #authenticator: Authenticator;
  readonly #sessions: Sessions;

  constructor(accounts: Accounts, authenticator: Authenticator, sessions: Sessions) {
    this.#accounts = accounts;
    this.#authenticator = authenticator;
    this.#sessions = sessions;
  }

  /**
   * Returns the guest that an access token belongs to, who wants to become a member as `userId`.
   * @throws MatrixError M_FORBIDDEN, M_INVALID_USERNAME, M_USER_LOCKED, M_USER_SUSPENDED
   */
  async guestOf(guestToken: string, userId: string): Promise<Session> {
    const session = await this.#authenticator.authenticate(guestToken);
    if (session === undefined || !session.isGuest) throw forbidden("'guest_access_token' is not the token of a guest");
    if (session.userId !== userId)
      throw invalidUsername('A guest can only register with the user name of the guest account');
    if (session.isLocked) throw userLocked();
    if (session.isSuspended) throw userSuspended();
    return session;
  }

  /** Makes a guest a member. Their tokens as a guest are no longer valid. @throws MatrixError M_USER_IN_USE */
  async upgrade({ user, userId }: Session, options: AccountOptions): Promise<Account> {
    const account = await this.#accounts.upgradeGuest({ user, userId }, options);
    this.#authenticator.forget(user);
    await this.#sessions.logoutAll(user);
    return account;
  }
}
