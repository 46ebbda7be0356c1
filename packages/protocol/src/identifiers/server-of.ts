import type { RoomAlias } from './room-alias.ts';
import type { ServerName } from './server-name.ts';
import type { UserId } from './user-id.ts';

/** Returns the server that allocated a user id or a room alias. */
export function serverOf(id: UserId | RoomAlias): ServerName {
  return id.slice(id.indexOf(':') + 1) as ServerName;
}

/** Returns the text after the first colon of an identifier that was not parsed, or undefined when there is no colon. */
export function domainOf(id: string): string | undefined {
  const colon = id.indexOf(':');
  return colon === -1 ? undefined : id.slice(colon + 1);
}
