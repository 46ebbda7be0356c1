import { type Argon2Parameters, argon2, timingSafeEqual } from 'node:crypto';
import { limitExceeded } from '@hearth/protocol/errors.ts';
import { NoSlot, Slots } from '../../platform/concurrency/slots.ts';
import type { Random } from '../../platform/random.ts';

/** The cost of a password hash: parameters of Argon2 (RFC 9106). */
export interface PasswordCost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
}

/** The lowest cost that Argon2 permits, for tests. */
export const CHEAPEST_PASSWORD_COST: PasswordCost = { memoryKib: 8, iterations: 1, parallelism: 1 };

/**
 * The maximum length of a password in bytes. Hashing a longer one costs time, and people do not type such passwords.
 */
export const PASSWORD_BYTES_MAX = 512;

const SALT_BYTES = 16;
const TAG_BYTES = 32;
/**
 * The number of concurrent hashes, each of which takes memory and a thread that file access also needs, and of waiting
 * ones.
 */
const SLOTS = { running: 2, waiting: 100 };
/** The approximate time in which a full queue is processed. */
const QUEUE_MS = 3_000;

/** The format of a stored hash: `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. */
const STORED = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Hashes passwords with Argon2id. */
export class Passwords {
  readonly #cost: PasswordCost;
  readonly #random: Random;
  readonly #slots = new Slots(SLOTS);

  constructor(cost: PasswordCost, random: Random) {
    this.#cost = cost;
    this.#random = random;
  }

  /** Returns the text to store. @throws MatrixError M_LIMIT_EXCEEDED when too many hashes wait */
  async hash(password: string): Promise<string> {
    const { memoryKib: m, iterations: t, parallelism: p } = this.#cost;
    const salt = this.#random.bytes(SALT_BYTES);
    const tag = await this.#compute({ password, salt, tagBytes: TAG_BYTES }, this.#cost);
    return `$argon2id$v=19$m=${m},t=${t},p=${p}$${unpadded(salt)}$${unpadded(tag)}`;
  }

  /**
   * Returns whether a password matches a hash. Without a hash the check takes as long and fails.
   * @throws MatrixError M_LIMIT_EXCEEDED when too many hashes wait
   */
  async verify(hash: string | null, password: string): Promise<boolean> {
    if (Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return false;
    if (hash === null) {
      await this.hash(password);
      return false;
    }
    const [, m, t, p, salt = '', tag = ''] = STORED.exec(hash) ?? [];
    if (m === undefined) throw new Error('a stored password hash is not of Argon2id');
    const expected = Buffer.from(tag, 'base64');
    const input = { password, salt: Buffer.from(salt, 'base64'), tagBytes: expected.length };
    const cost = { memoryKib: Number(m), iterations: Number(t), parallelism: Number(p) };
    return timingSafeEqual(await this.#compute(input, cost), expected);
  }

  async #compute(
    { password, salt, tagBytes }: { password: string; salt: Uint8Array; tagBytes: number },
    { memoryKib, iterations, parallelism }: PasswordCost,
  ): Promise<Buffer> {
    const parameters = { memory: memoryKib, passes: iterations, parallelism, tagLength: tagBytes };
    try {
      return await this.#slots.run(() => argon2id({ ...parameters, message: password, nonce: salt }));
    } catch (error) {
      if (error instanceof NoSlot) throw limitExceeded(QUEUE_MS, 'Too many password checks are in progress');
      throw error;
    }
  }
}

function argon2id(parameters: Argon2Parameters): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, tag) => (error === null ? resolve(tag) : reject(error)));
  });
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}
