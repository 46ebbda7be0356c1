import { hash } from 'node:crypto';

/**
 * What is stored of a token. A plain hash is enough: tokens are random and long, so that nothing is gained by making
 * each guess expensive.
 */
export function tokenHash(token: string): Buffer {
  return hash('sha256', token, 'buffer');
}
