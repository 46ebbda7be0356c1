import type { LimitClass } from '@hearth/api/endpoint.ts';
import { userLocked, userSuspended } from '@hearth/protocol/errors.ts';
import type { Authenticate, CallInfo } from '../http/authenticate.ts';
import type { Caller } from '../http/route.ts';
import type { Authenticator, Session } from '../users/authenticator.ts';
import type { LastSeen } from '../users/last-seen.ts';

/** What a suspended user may not do: join, knock, invite, send, change the profile ("Account suspension"). */
const NOT_WHEN_SUSPENDED: ReadonlySet<LimitClass | undefined> = new Set([
  'message',
  'join',
  'invite',
  'room-creation',
  'profile',
]);

/** Authenticates requests by access token, and notes where devices were seen. */
export function authenticateWith(authenticator: Authenticator, lastSeen: LastSeen): Authenticate {
  const admit = (session: Session | undefined, info: CallInfo): Caller | undefined => {
    if (session === undefined) return undefined;
    const { endpoint } = info;
    if (session.isLocked && endpoint.allowedWhenLocked !== true) throw userLocked();
    if (session.isSuspended && NOT_WHEN_SUSPENDED.has(endpoint.limit)) throw userSuspended();
    lastSeen.touch(session.device, info.remoteAddress, info.userAgent);
    return session;
  };
  return (token, info) => {
    const session = authenticator.authenticate(token);
    return session instanceof Promise ? session.then((known) => admit(known, info)) : admit(session, info);
  };
}
