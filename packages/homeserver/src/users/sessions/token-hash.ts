import { hash } from 'node:crypto';

/**
 * Returns the hash of a token that is stored. A fast hash is sufficient, because tokens are too long and random to
 * guess.
 */
export function tokenHash(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
