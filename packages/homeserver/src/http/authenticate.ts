import type { Access, Endpoint } from '@hearth/api/endpoint.ts';
import { forbidden, guestAccessForbidden, missingToken, unknownToken } from '@hearth/protocol/errors.ts';
import type { Caller } from './route.ts';

/** Facts about a request that an authenticator uses besides the token. */
export interface CallInfo {
  readonly endpoint: Endpoint;
  readonly path: string;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  /**
   * Returns a parameter of the query, the first if it is repeated, such as the `user_id` that application services
   * give.
   */
  queryParameter(name: string): string | undefined;
}

/**
 * A function that returns the owner of a token, or `undefined` for an unknown token. It returns without a promise if
 * the token is cached. It throws a MatrixError for other refusals: a soft logout, a locked account.
 */
export type Authenticate = (token: string, info: CallInfo) => Caller | undefined | Promise<Caller | undefined>;

/**
 * Returns the caller if the endpoint needs one, without a promise if the authenticator returns at once.
 * @throws MatrixError when the caller may not use the endpoint
 */
export function findCaller(
  authenticate: Authenticate,
  authorization: string | undefined,
  info: CallInfo,
): Caller | undefined | Promise<Caller | undefined> {
  const { access } = info.endpoint;
  if (access === 'none' || access === 'server') return undefined;
  const token = accessTokenOf(authorization, info);
  if (token === undefined) {
    if (access === 'optional') return undefined;
    throw missingToken();
  }
  const caller = authenticate(token, info);
  return caller instanceof Promise ? caller.then((known) => admit(known, access)) : admit(caller, access);
}

/** Returns the access token of a request (client-server API, "Using access tokens"). */
export function accessTokenOf(
  authorization: string | undefined,
  info: Pick<CallInfo, 'queryParameter'>,
): string | undefined {
  const token = bearer(authorization) ?? info.queryParameter('access_token');
  return token === '' ? undefined : token;
}

function bearer(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const separator = authorization.indexOf(' ');
  if (authorization.slice(0, separator).toLowerCase() !== 'bearer') return undefined;
  return authorization.slice(separator + 1).trim();
}

function admit(caller: Caller | undefined, access: Access): Caller {
  if (caller === undefined) throw unknownToken();
  if (caller.isGuest && (access === 'user' || access === 'admin')) throw guestAccessForbidden();
  if (access === 'admin' && !caller.isAdmin)
    throw forbidden('Only administrators of this server are allowed to do this');
  return caller;
}
