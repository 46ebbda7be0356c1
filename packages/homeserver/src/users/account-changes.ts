import type { Stream } from '../storage/engine/stream.ts';
import type { Accounts } from './accounts.ts';
import type { ErasedUsers } from './erased-users.ts';
import { checkPassword } from './registration/registration.ts';
import type { Authenticator } from './sessions/authenticator.ts';
import type { Sessions } from './sessions/sessions.ts';

export type Deactivated = (user: number, userId: string) => Promise<void>;

/** Changes that an owner or an administrator makes to an account. They keep accounts and sessions consistent. */
export class AccountChanges {
  readonly #accounts: Accounts;
  readonly #sessions: Sessions;
  readonly #authenticator: Authenticator;
  readonly #erasedUsers: ErasedUsers;
  readonly #stream: Stream;
  readonly #deactivated: Deactivated[] = [];

  constructor(parts: {
    readonly accounts: Accounts;
    readonly sessions: Sessions;
    readonly authenticator: Authenticator;
    readonly erasedUsers: ErasedUsers;
    readonly stream: Stream;
  }) {
    this.#accounts = parts.accounts;
    this.#sessions = parts.sessions;
    this.#authenticator = parts.authenticator;
    this.#erasedUsers = parts.erasedUsers;
    this.#stream = parts.stream;
  }

  /** Calls `deactivated` after a deactivation, for instance to leave the user's rooms and to delete the profile. */
  onDeactivated(deactivated: Deactivated): void {
    this.#deactivated.push(deactivated);
  }

  /** Changes the password; the other sessions end unless they are to be kept. @throws MatrixError M_WEAK_PASSWORD */
  async setPassword(
    caller: { readonly user: number; readonly device: number },
    password: string,
    endOtherSessions: boolean,
  ): Promise<void> {
    checkPassword(password);
    await this.#accounts.setPassword(caller.user, password);
    if (endOtherSessions) await this.#sessions.logoutAll(caller.user, caller.device);
  }

  /** Deactivates an account permanently (client-server API, "Account deactivation"). */
  async deactivate(account: { readonly user: number; readonly userId: string }, erase: boolean): Promise<void> {
    const erasedPosition = erase ? this.#stream.current : undefined;
    await this.#accounts.deactivate(account.user, erasedPosition);
    if (erasedPosition !== undefined) this.#erasedUsers.add(account.user, erasedPosition);
    this.#authenticator.forget(account.user);
    await this.#sessions.logoutAll(account.user);
    for (const deactivated of this.#deactivated) await deactivated(account.user, account.userId);
  }

  /** Locks or unlocks an account (client-server API, "Account locking"). */
  async setLocked(user: number, locked: boolean): Promise<void> {
    await this.#accounts.setLocked(user, locked);
    this.#authenticator.forget(user);
  }

  /** Suspends an account, or ends the suspension (client-server API, "Account suspension"). */
  async setSuspended(user: number, suspended: boolean): Promise<void> {
    await this.#accounts.setSuspended(user, suspended);
    this.#authenticator.forget(user);
  }
}
