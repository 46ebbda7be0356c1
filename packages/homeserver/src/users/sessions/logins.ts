import { exclusive, forbidden, userDeactivated, userLocked } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { ApplicationServices } from '../../application-services/application-services.ts';
import type { ApplicationService } from '../../application-services/registration.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import type { Account, Accounts } from '../accounts.ts';
import type { PasswordCheck } from '../credentials/password-check.ts';
import { namedUserId } from '../registration/usernames.ts';
import { tokenHash } from './token-hash.ts';

/** The lifetime of a login token ("POST /login/get_token" recommends two minutes). */
export const LOGIN_TOKEN_MS = 120_000;
const LOGIN_TOKENS_MAX = 10_000;

interface LoginsParts {
  readonly accounts: Accounts;
  readonly applicationServices: Pick<ApplicationServices, 'all' | 'ownsUser'>;
  readonly passwordCheck: PasswordCheck;
  readonly server: ServerName;
  readonly clock: Clock;
  readonly random: Random;
}

/** Decides who may log in (client-server API, "Login"). */
export class Logins {
  readonly #parts: LoginsParts;
  readonly #tokens = new LruMap<string, { readonly userId: string; readonly expires: number }>(LOGIN_TOKENS_MAX);

  constructor(parts: LoginsParts) {
    this.#parts = parts;
  }

  /**
   * Returns the account for a name and its password. The error does not reveal whether the account exists.
   * @param from the address of the request
   * @throws MatrixError
   */
  async byPassword(name: string, password: string, from: string): Promise<Account> {
    // Registration converts names to lower case. An id with capitals, which may exist, is tried first.
    const exact = namedUserId(name, this.#parts.server);
    const account = (await this.#find(exact)) ?? (await this.#find(exact?.toLowerCase()));
    const named = account?.userId ?? exact?.toLowerCase() ?? '';
    const isRight = await this.#parts.passwordCheck.isRight(named, password, from);
    if (account?.isDeactivated) throw userDeactivated();
    if (!isRight || account === undefined) throw forbidden('Wrong user name or password');
    return admit(account);
  }

  /** Whether there are application services, which can log in as their users. */
  get areForServices(): boolean {
    return this.#parts.applicationServices.all.length > 0;
  }

  /** Returns the account as which an application service logs in. @throws MatrixError M_EXCLUSIVE, M_FORBIDDEN */
  async byService(service: ApplicationService, name: string): Promise<Account> {
    const userId = namedUserId(name, this.#parts.server);
    if (userId === undefined || !this.#parts.applicationServices.ownsUser(service, userId))
      throw exclusive('The user is not in a namespace of the application service');
    const account = await this.#find(userId);
    if (account === undefined) throw forbidden('The application service has not registered this user');
    if (account.isDeactivated) throw userDeactivated();
    return admit(account);
  }

  /** Returns a token with which another client can log in once as the same user. */
  makeToken(userId: string): string {
    const token = randomText(this.#parts.random, 32);
    const expires = this.#parts.clock.now() + LOGIN_TOKEN_MS;
    this.#tokens.set(tokenHash(token).toString('latin1'), { userId, expires });
    return token;
  }

  /** @throws MatrixError M_FORBIDDEN */
  async byToken(token: string): Promise<Account> {
    const key = tokenHash(token).toString('latin1');
    const known = this.#tokens.get(key);
    this.#tokens.delete(key);
    const userId = known !== undefined && known.expires > this.#parts.clock.now() ? known.userId : undefined;
    const account = await this.#find(userId);
    if (account === undefined || account.isDeactivated) throw forbidden('The login token is not valid');
    return admit(account);
  }

  async #find(userId: string | undefined): Promise<Account | undefined> {
    return userId === undefined ? undefined : this.#parts.accounts.find(userId);
  }
}

function admit(account: Account): Account {
  if (account.isLocked) throw userLocked();
  return account;
}
