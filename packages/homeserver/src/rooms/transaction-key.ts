import { hash } from 'node:crypto';
import type { TransactionKey } from './draft.ts';

const SCOPE_CHARACTERS = 8;

/**
 * The key under which a device's transaction is remembered: ids are apart for each device and each path (client-server
 * API, "Transaction identifiers"). The path stands in front of the id as a short hash.
 */
export function transactionKey(device: number, path: readonly string[], txnId: string): TransactionKey {
  const scope = hash('sha256', path.join('\0'), 'base64url').slice(0, SCOPE_CHARACTERS);
  return { device, txn: `${scope} ${txnId}` };
}
