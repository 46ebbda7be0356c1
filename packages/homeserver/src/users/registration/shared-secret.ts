import { createHmac, timingSafeEqual } from 'node:crypto';
import { forbidden, invalidParam, unrecognized } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';
import type { Account, Accounts } from '../accounts.ts';
import { checkPassword } from './registration.ts';
import { newUserId } from './usernames.ts';

export interface SharedSecretRequest {
  readonly nonce: string;
  readonly username: string;
  readonly password: string;
  readonly displayname?: string | undefined;
  readonly admin?: boolean | undefined;
  readonly user_type?: string | null | undefined;
  readonly mac: string;
}

const NONCE_MS = 60_000;
const NONCES_MAX = 1_000;

/** Registration with the server's shared secret, which scripts and test suites use. */
export class SharedSecretRegistration {
  readonly #accounts: Accounts;
  readonly #server: ServerName;
  readonly #secret: string | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #nonces = new LruMap<string, number>(NONCES_MAX);

  constructor(
    accounts: Accounts,
    settings: { readonly serverName: ServerName; readonly sharedSecret: string | undefined },
    clock: Clock,
    random: Random,
  ) {
    this.#accounts = accounts;
    this.#server = settings.serverName;
    this.#secret = settings.sharedSecret;
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Returns a nonce that is valid for one registration within a minute. @throws MatrixError M_UNRECOGNIZED when there
   * is no secret
   */
  nonce(): string {
    this.#secretOrRefuse();
    const nonce = randomText(this.#random, 32);
    this.#nonces.set(nonce, this.#clock.now() + NONCE_MS);
    return nonce;
  }

  /** Registers an account. @throws MatrixError */
  async register(request: SharedSecretRequest): Promise<Account> {
    const secret = this.#secretOrRefuse();
    const expires = this.#nonces.get(request.nonce) ?? 0;
    if (expires <= this.#clock.now()) throw invalidParam('The nonce is not known or was already used');
    this.#nonces.delete(request.nonce);
    if (!isMac(request.mac, macOf(secret, request))) throw forbidden('The MAC is wrong');
    checkPassword(request.password);
    const userId = newUserId(request.username, this.#server);
    const { password, admin: isAdmin = false, user_type, displayname: displayName } = request;
    return this.#accounts.create(userId, { password, isAdmin, displayName, userType: user_type ?? undefined });
  }

  #secretOrRefuse(): string {
    if (this.#secret === undefined) throw unrecognized(404, 'Registration by shared secret is not enabled');
    return this.#secret;
  }
}

function macOf(secret: string, { nonce, username, password, admin, user_type }: SharedSecretRequest): Buffer {
  const parts = [nonce, username, password, admin === true ? 'admin' : 'notadmin'];
  if (user_type !== undefined && user_type !== null) parts.push(user_type);
  return createHmac('sha1', secret).update(parts.join('\0')).digest();
}

function isMac(given: string, expected: Buffer): boolean {
  const bytes = Buffer.from(given, 'hex');
  return bytes.length === expected.length && timingSafeEqual(bytes, expected);
}
