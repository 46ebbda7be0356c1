import { lazily } from '../platform/lazily.ts';

/** How much work a password hash takes, see the parameters of Argon2 (RFC 9106). */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
}

/** The cheapest that Argon2 permits; for tests. */
export const CHEAPEST_PASSWORD_COST: PasswordCost = { memoryKib: 8, iterations: 1, parallelism: 1 };

/** Longer passwords are refused: hashing them costs time, and no person types them. */
export const PASSWORD_BYTES_MAX = 512;

/** The library is native code of some size, so it is only loaded with the first password. */
const load = lazily(() => import('@node-rs/argon2'));

export class Passwords {
  readonly #cost: PasswordCost;

  constructor(cost: PasswordCost) {
    this.#cost = cost;
  }

  async hash(password: string): Promise<string> {
    const argon2 = await load();
    const { memoryKib, iterations, parallelism } = this.#cost;
    return argon2.hash(password, { algorithm: 2, memoryCost: memoryKib, timeCost: iterations, parallelism });
  }

  /** Whether the password is the one that was hashed. Without a hash it takes as long and is wrong. */
  async verify(hash: string | null, password: string): Promise<boolean> {
    if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false;
    if (hash === null) {
      await this.hash(password);
      return false;
    }
    const argon2 = await load();
    return argon2.verify(hash, password);
  }
}
