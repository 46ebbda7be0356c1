import { parseServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { compileServerAcl, type ServerAcl } from '@hearth/protocol/server-acl/server-acl.ts';
import type { StoredEvent } from '../../storage/rooms/events/stored-event.ts';
import type { Head } from '../head.ts';

const compiled = new WeakMap<StoredEvent, ServerAcl>();

/** Returns whether the access control list of a room permits a server (client-server API, "Server Access Control Lists"). */
export async function aclPermits(head: Head, server: string): Promise<boolean> {
  return isPermittedBy(await head.state('m.room.server_acl'), server);
}

/** Returns whether an event with an access control list permits a server. A room without the event permits all. */
export function isPermittedBy(event: StoredEvent | undefined, server: string): boolean {
  if (event === undefined) return true;
  const name = parseServerName(server);
  if (name === undefined) return false;
  const acl = compiled.get(event) ?? compileServerAcl(event.content);
  compiled.set(event, acl);
  return acl(name);
}
