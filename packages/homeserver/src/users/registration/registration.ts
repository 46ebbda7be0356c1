import {
  forbidden,
  guestAccessForbidden,
  MatrixError,
  missingParam,
  unauthorized,
  userInUse,
  weakPassword,
} from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Random } from '../../platform/random.ts';
import type { Account, AccountOptions, Accounts } from '../accounts.ts';
import { dummyStage, REGISTRATION_TOKEN, registrationTokenStage } from '../credentials/auth-stages.ts';
import type { Guarded, GuardedBody, InteractiveAuth, Stage } from '../credentials/interactive-auth.ts';
import { PASSWORD_BYTES_MAX } from '../credentials/passwords.ts';
import type { Session } from '../sessions/authenticator.ts';
import type { GuestUpgrade } from './guest-upgrade.ts';
import type { RegistrationTokens } from './registration-tokens.ts';
import { generatedUserId, newUserId } from './usernames.ts';

/** Who may register: everybody, or those with a token. Nobody, as long as there is no token. */
export type RegistrationPolicy = 'open' | 'token';

export interface RegistrationSettings {
  readonly serverName: ServerName;
  readonly policy: RegistrationPolicy;
  readonly guests: boolean;
}

/** What a registration asks for (client-server API, "POST /register"). */
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
  readonly settings: RegistrationSettings;
}

const GUARDED: Guarded = { operation: 'register' };

/** Decides who gets an account and under which name (client-server API, "Account registration"). */
export class Registrations {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Whether a new account could have this name.
   * @throws MatrixError M_INVALID_USERNAME, M_USER_IN_USE
   */
  async checkAvailable(username: string): Promise<string> {
    const userId = newUserId(username, this.#parts.settings.serverName);
    if ((await this.#parts.accounts.find(userId)) !== undefined) throw userInUse();
    return userId;
  }

  /** Whether a registration token could be used. @throws MatrixError M_FORBIDDEN when nobody may register */
  async isTokenValid(token: string): Promise<boolean> {
    await this.#flows();
    return this.#parts.tokens.isValid(token);
  }

  /** Returns the request, with what an earlier request of its authentication session asked for if it has `auth` alone. */
  recall<R extends Registration>(wanted: R): R {
    return this.#parts.interactiveAuth.recall(GUARDED, wanted);
  }

  /**
   * Registers after the name was checked and the authentication passed, in this order, as the specification asks.
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
      // Somebody else took the name meanwhile: the client may try another with the same session.
      if (error instanceof MatrixError) verdict.restore();
      throw error;
    }
  }

  async #guestOf({ guest_access_token: token, username }: Registration): Promise<Session | undefined> {
    if (token === undefined) return undefined;
    if (username === undefined) throw missingParam("Missing member 'username', which must name the guest");
    return this.#parts.guestUpgrade.guestOf(token, newUserId(username, this.#parts.settings.serverName));
  }

  /** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
  async registerGuest(): Promise<Account> {
    const { settings, accounts, random } = this.#parts;
    if (!settings.guests) throw guestAccessForbidden('This server has no guests');
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

  /** Returns what a registration token allows. @throws MatrixError M_UNAUTHORIZED when it has been used up */
  async #grantOf(token: string): Promise<Pick<AccountOptions, 'isAdmin' | 'guards'>> {
    const { tokens } = this.#parts;
    if (!(await tokens.isValid(token))) throw unauthorized('The registration token is not valid any more');
    return { isAdmin: await tokens.makesAdmin(token), guards: tokens.take(token) };
  }

  async #flows(): Promise<readonly (readonly Stage[])[]> {
    const { settings, tokens } = this.#parts;
    if (settings.policy === 'open') return [[dummyStage]];
    if (await tokens.exist()) return [[registrationTokenStage(tokens)]];
    throw forbidden('Registration is closed on this server');
  }
}

/** @throws MatrixError M_WEAK_PASSWORD */
export function checkPassword(password: string | undefined): void {
  if (password === undefined) return;
  if (password === '') throw weakPassword('The password is empty');
  if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) {
    throw weakPassword(`The password is longer than ${PASSWORD_BYTES_MAX} bytes`);
  }
}
