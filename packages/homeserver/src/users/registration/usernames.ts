import { invalidUsername } from '@hearth/protocol/errors.ts';
import type { ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { isValidNewLocalpart, parseUserId, type UserId, userId } from '@hearth/protocol/identifiers/user-id.ts';
import { type Random, randomText } from '../../platform/random.ts';

/**
 * Returns the user id for a new account with this user name, which is converted to lower case (client-server API,
 * "Register": a server may map a name onto an id in a logical manner).
 * @throws MatrixError M_INVALID_USERNAME
 */
export function newUserId(username: string, server: ServerName): UserId {
  const localpart = username.toLowerCase();
  if (!isValidNewLocalpart(localpart)) {
    throw invalidUsername('User names consist of the letters a-z, the digits 0-9 and . _ = - / +');
  }
  const id = userId(localpart, server);
  if (id === undefined) throw invalidUsername('The user name is too long');
  return id;
}

/** Returns a random user id. */
export function generatedUserId(random: Random, server: ServerName, prefix: 'u' | 'guest'): UserId {
  return newUserId(`${prefix}-${randomText(random, 16)}`, server);
}

/**
 * Returns the user id that a login names by a full user id or a localpart. Undefined if it cannot be an account of this
 * server.
 */
export function namedUserId(name: string, server: ServerName): UserId | undefined {
  const id = name.startsWith('@') && name.includes(':') ? parseUserId(name) : userId(name, server);
  if (id === undefined || !id.endsWith(`:${server}`)) return undefined;
  return id;
}

/** Returns the part of a user id between `@` and the first colon. */
export function localpartOf(id: string): string {
  return id.slice(1, id.indexOf(':'));
}

/** Returns whether a user id belongs to this server. */
export function isLocal(id: string, server: ServerName): boolean {
  return id.startsWith('@') && id.slice(id.indexOf(':') + 1) === server;
}
