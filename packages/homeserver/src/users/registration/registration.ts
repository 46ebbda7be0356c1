import {
  forbidden,
  guestAccessForbidden,
  invalidUsername,
  MatrixError,
  missingParam,
  unauthorized,
  userInUse,
  weakPassword,
} from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { ApplicationServices } from '../../application-services/application-services.ts';
import type { ApplicationService } from '../../application-services/registration.ts';
import type { Random } from '../../platform/random.ts';
import { SERVICE_USER } from '../../storage/accounts/accounts.ts';
import type { Account, AccountOptions, Accounts } from '../accounts.ts';
import { dummyStage, REGISTRATION_TOKEN, registrationTokenStage } from '../credentials/auth-stages.ts';
import type { Guarded, GuardedBody, InteractiveAuth, Stage } from '../credentials/interactive-auth.ts';
import { PASSWORD_BYTES_MAX } from '../credentials/passwords.ts';
import type { Session } from '../sessions/authenticator.ts';
import type { GuestUpgrade } from './guest-upgrade.ts';
import type { RegistrationTokens } from './registration-tokens.ts';
import { generatedUserId, localpartOf, newUserId } from './usernames.ts';

/** The users who may register: everybody, or holders of a token. Without any token nobody may. */
export type RegistrationPolicy = 'open' | 'token';

export interface RegistrationSettings {
  readonly serverName: ServerName;
  readonly policy: RegistrationPolicy;
  readonly guests: boolean;
}

/** The body of a registration (client-server API, "POST /register"). */
export interface Registration extends GuardedBody {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly guest_access_token?: string | undefined;
}

export type RegistrationResult = { readonly account: Account } | { readonly challenge: JsonObject };

interface Parts {
  readonly accounts: Accounts;
  readonly tokens: RegistrationTokens;
  readonly interactiveAuth: InteractiveAuth;
  readonly guestUpgrade: GuestUpgrade;
  readonly random: Random;
  readonly applicationServices: Pick<ApplicationServices, 'checkUser'>;
  readonly settings: RegistrationSettings;
}

const GUARDED: Guarded = { operation: 'register' };

/** Registers accounts according to the policy (client-server API, "Account registration"). */
export class Registrations {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Checks whether a new account may have this name. Returns its user id.
   * @throws MatrixError M_INVALID_USERNAME, M_USER_IN_USE, M_EXCLUSIVE
   */
  async checkAvailable(username: string): Promise<string> {
    const userId = newUserId(username, this.#parts.settings.serverName);
    this.#parts.applicationServices.checkUser(userId);
    if ((await this.#parts.accounts.find(userId)) !== undefined) throw userInUse();
    return userId;
  }

  /** Returns whether a registration token is valid. @throws MatrixError M_FORBIDDEN when registration is closed */
  async isTokenValid(token: string): Promise<boolean> {
    await this.#flows();
    return this.#parts.tokens.isValid(token);
  }

  /** Returns the request, with the parameters of an earlier request of its session if it contains only `auth`. */
  recall<R extends Registration>(wanted: R): R {
    return this.#parts.interactiveAuth.recall(GUARDED, wanted);
  }

  /**
   * Registers an account. Checks the name first and then the authentication, as the specification requires.
   * @throws MatrixError
   */
  async register(wanted: Registration): Promise<RegistrationResult> {
    const flows = await this.#flows();
    checkPassword(wanted.password);
    const guest = await this.#guestOf(wanted);
    if (wanted.username !== undefined && guest === undefined) await this.checkAvailable(wanted.username);
    const verdict = await this.#parts.interactiveAuth.judge(GUARDED, wanted, flows);
    if (!verdict.passed) return { challenge: verdict.challenge };
    try {
      const token = asString(verdict.results.get(REGISTRATION_TOKEN));
      return { account: await this.#create(wanted, token, guest) };
    } catch (error) {
      // A concurrent registration took the name. The client may try another name with the same session.
      if (error instanceof MatrixError) verdict.restore();
      throw error;
    }
  }

  async #guestOf({ guest_access_token: token, username }: Registration): Promise<Session | undefined> {
    if (token === undefined) return undefined;
    if (username === undefined) throw missingParam("Missing member 'username', which must name the guest");
    return this.#parts.guestUpgrade.guestOf(token, newUserId(username, this.#parts.settings.serverName));
  }

  /**
   * Registers an account without a password for an application service, whatever the policy is (application service API, "Server
   * admin style permissions").
   * @throws MatrixError M_INVALID_USERNAME, M_EXCLUSIVE, M_USER_IN_USE
   */
  registerFor(service: ApplicationService, username: string): Promise<Account> {
    const { accounts, applicationServices, settings } = this.#parts;
    const userId = newUserId(username, settings.serverName);
    // The application service derives the user id from the name, so that the name must not be changed.
    if (localpartOf(userId) !== username) throw invalidUsername('The user name contains capital letters');
    applicationServices.checkUser(userId, service);
    return accounts.create(userId, { userType: SERVICE_USER });
  }

  /** Registers a guest. @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
  async registerGuest(): Promise<Account> {
    const { settings, accounts, random } = this.#parts;
    if (!settings.guests) throw guestAccessForbidden('Guest registration is disabled on this server');
    return accounts.create(generatedUserId(random, settings.serverName, 'guest'), { isGuest: true });
  }

  async #create(
    { username, password }: Registration,
    token: string | undefined,
    guest: Session | undefined,
  ): Promise<Account> {
    const { settings, accounts, guestUpgrade, random } = this.#parts;
    const { serverName } = settings;
    const options = { password, ...(token !== undefined && (await this.#grantOf(token))) };
    if (guest !== undefined) return guestUpgrade.upgrade(guest, options);
    const userId =
      username === undefined ? generatedUserId(random, serverName, 'u') : await this.checkAvailable(username);
    return accounts.create(userId, options);
  }

  /** Returns the rights of a registration token. @throws MatrixError M_UNAUTHORIZED when it was used up */
  async #grantOf(token: string): Promise<Pick<AccountOptions, 'isAdmin' | 'guards'>> {
    const { tokens } = this.#parts;
    if (!(await tokens.isValid(token))) throw unauthorized('The registration token is no longer valid');
    return { isAdmin: await tokens.makesAdmin(token), guards: tokens.take(token) };
  }

  async #flows(): Promise<readonly (readonly Stage[])[]> {
    const { settings, tokens } = this.#parts;
    if (settings.policy === 'open') return [[dummyStage]];
    if (await tokens.exist()) return [[registrationTokenStage(tokens)]];
    throw forbidden('Registration is closed on this server');
  }
}

/** Checks the length of a new password. @throws MatrixError M_WEAK_PASSWORD */
export function checkPassword(password: string | undefined): void {
  if (password === undefined) return;
  if (password === '') throw weakPassword('The password is empty');
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw weakPassword(`The password is longer than ${PASSWORD_BYTES_MAX} bytes`);
  }
}
