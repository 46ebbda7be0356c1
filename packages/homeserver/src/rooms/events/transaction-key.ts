import { hash } from 'node:crypto';
import { LruMap } from '../../platform/caches/lru.ts';
import type { TransactionKey } from './draft.ts';

const SCOPE_CHARACTERS = 8;
const SCOPES_MAX = 2_000;
/** Paths that were used lately, with their hashes. */
const scopes = new LruMap<string, string>(SCOPES_MAX);

/**
 * The key under which a device's transaction is remembered: ids are apart for each device and each path (client-server
 * API, "Transaction identifiers"). The path stands in front of the id as a short hash.
 */
export function transactionKey(device: number, path: readonly string[], txnId: string): TransactionKey {
  return { device, txn: `${scopeOf(path.join('\0'))} ${txnId}` };
}

function scopeOf(path: string): string {
  const known = scopes.get(path);
  if (known !== undefined) return known;
  const scope = hash('sha256', path, 'base64url').slice(0, SCOPE_CHARACTERS);
  scopes.set(path, scope);
  return scope;
}
