import { forbidden, guestAccessForbidden, unauthorized, userInUse, weakPassword } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import type { Random } from '../platform/random.ts';
import type { Account, Accounts } from './accounts.ts';
import { dummyStage, REGISTRATION_TOKEN, registrationTokenStage } from './auth-stages.ts';
import type { InteractiveAuth, Stage } from './interactive-auth.ts';
import { PASSWORD_BYTES_MAX } from './passwords.ts';
import type { RegistrationTokens } from './registration-tokens.ts';
import { generatedUserId, newUserId } from './usernames.ts';

/** Who may register: everybody, or those with a token. Nobody, as long as there is no token. */
export type RegistrationPolicy = 'open' | 'token';

export interface RegistrationSettings {
  readonly serverName: ServerName;
  readonly policy: RegistrationPolicy;
  readonly guests: boolean;
}

/** What a registration asks for, apart from the authentication in `body.auth`. */
export interface Registration {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

export type RegistrationResult = { readonly account: Account } | { readonly challenge: JsonObject };

interface Parts {
  readonly accounts: Accounts;
  readonly tokens: RegistrationTokens;
  readonly interactiveAuth: InteractiveAuth;
  readonly random: Random;
  readonly settings: RegistrationSettings;
}

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

  /**
   * Registers after the name was checked and the authentication passed, in this order, as the specification asks.
   * @throws MatrixError
   */
  async register(body: JsonObject, wanted: Registration): Promise<RegistrationResult> {
    const { interactiveAuth } = this.#parts;
    const flows = await this.#flows();
    checkPassword(wanted.password);
    if (wanted.username !== undefined) await this.checkAvailable(wanted.username);
    const verdict = await interactiveAuth.judge({ operation: 'register', body, flows });
    if (!verdict.passed) return { challenge: verdict.challenge };
    const token = asString(verdict.results.get(REGISTRATION_TOKEN));
    return { account: await this.#create(wanted, token) };
  }

  /** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
  async registerGuest(): Promise<Account> {
    const { settings, accounts, random } = this.#parts;
    if (!settings.guests) throw guestAccessForbidden('This server has no guests');
    return accounts.create(generatedUserId(random, settings.serverName, 'guest'), { isGuest: true });
  }

  async #create({ username, password }: Registration, token: string | undefined): Promise<Account> {
    const { settings, accounts, tokens, random } = this.#parts;
    const { serverName } = settings;
    const userId =
      username === undefined ? generatedUserId(random, serverName, 'u') : await this.checkAvailable(username);
    if (token === undefined) return accounts.create(userId, { password });
    if (!(await tokens.isValid(token))) throw unauthorized('The registration token is not valid any more');
    const isAdmin = await tokens.makesAdmin(token);
    return accounts.create(userId, { password, isAdmin, guards: tokens.take(token) });
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
