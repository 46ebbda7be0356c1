import { userLocked, userSuspended } from '@hearth/protocol/errors.ts';
import type { Authenticate, CallInfo } from '../../http/authenticate.ts';
import type { Caller } from '../../http/route.ts';
import type { Authenticator, Session } from '../../users/sessions/authenticator.ts';
import type { LastSeen } from '../../users/sessions/last-seen.ts';

/**
 * Returns a function that authenticates requests by access token, and records when and where devices were last seen.
 */
export function authenticateWith(authenticator: Authenticator, lastSeen: LastSeen): Authenticate {
  const admit = (session: Session | undefined, info: CallInfo): Caller | undefined => {
    if (session === undefined) return undefined;
    const { endpoint } = info;
    if (session.isLocked && endpoint.whenLocked === 'refused') throw userLocked();
    if (session.isSuspended && endpoint.whenSuspended === 'refused') throw userSuspended();
    lastSeen.touch(session.device, info.remoteAddress, info.userAgent);
    return session;
  };
  return (token, info) => {
    const session = authenticator.authenticate(token);
    return session instanceof Promise ? session.then((known) => admit(known, info)) : admit(session, info);
  };
}
