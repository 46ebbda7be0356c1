import { hash } from 'node:crypto';
import { LruMap } from '../../platform/caches/lru.ts';
import type { TransactionKey } from './draft.ts';

const SCOPE_CHARACTERS = 8;
const SCOPES_MAX = 2_000;
/** The recently used paths with their hashes. */
const scopes = new LruMap<string, string>(SCOPES_MAX);

/**
 * Returns the key of a device's transaction. Ids are separate for each device and path (client-server API, "Transaction
 * identifiers"). The key begins with a short hash of the path.
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
