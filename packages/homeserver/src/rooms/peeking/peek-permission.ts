import type { Head, StateKeyPair } from '../head.ts';
import { isPermittedBy } from '../receive/acl.ts';

const DECISIVE: readonly StateKeyPair[] = [
  ['m.room.history_visibility', ''],
  ['m.room.encryption', ''],
  ['m.room.server_acl', ''],
];

/**
 * Returns whether a server may peek into a room: it is world-readable and not encrypted, because the members do not
 * encrypt for those who peek (MSC2444). Returns a promise only if state has to be loaded.
 */
export function permitsPeek(head: Head, server: string): boolean | Promise<boolean> {
  const loading = head.ensure(DECISIVE);
  return loading === undefined ? isOpenTo(head, server) : loading.then(() => isOpenTo(head, server));
}

function isOpenTo(head: Head, server: string): boolean {
  const visibility = head.known('m.room.history_visibility', '')?.content.history_visibility;
  if (visibility !== 'world_readable' || head.known('m.room.encryption', '') !== undefined) return false;
  return isPermittedBy(head.known('m.room.server_acl', ''), server);
}
