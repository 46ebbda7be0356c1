import { userLocked, userSuspended } from '@hearth/protocol/errors.ts';
import type { Authenticate, CallInfo } from '../../http/authenticate.ts';
import type { Caller } from '../../http/route.ts';
import type { ApplicationServiceSessions } from '../../users/sessions/application-service-sessions.ts';
import type { Authenticator, Session } from '../../users/sessions/authenticator.ts';
import type { LastSeen } from '../../users/sessions/last-seen.ts';

interface AuthenticateParts {
  readonly authenticator: Authenticator;
  readonly lastSeen: LastSeen;
  readonly serviceSessions: ApplicationServiceSessions;
}

/**
 * Returns a function that authenticates requests by access token, and records when and where devices were last seen.
 */
export function authenticateWith({ authenticator, lastSeen, serviceSessions }: AuthenticateParts): Authenticate {
  const admit = (session: Session | undefined, info: CallInfo): Caller | undefined => {
    if (session === undefined) return undefined;
    const { endpoint } = info;
    if (session.isLocked && endpoint.whenLocked === 'refused') throw userLocked();
    if (session.isSuspended && endpoint.whenSuspended === 'refused') throw userSuspended();
    if (session.deviceId !== undefined) lastSeen.touch(session.device, info.remoteAddress, info.userAgent);
    return session;
  };
  return (token, info) => {
    const service = serviceSessions.serviceOf(token);
    const session =
      service === undefined ? authenticator.authenticate(token) : serviceSessions.find(service, actingFor(info));
    return session instanceof Promise ? session.then((known) => admit(known, info)) : admit(session, info);
  };
}

/** The parameters of the device before version 1.17 of the specification (MSC3202, MSC4326). */
const DEVICE_PARAMETERS = ['device_id', 'org.matrix.msc3202.device_id', 'org.matrix.msc4326.device_id'];

/** Returns the user and device that an application service names (application service API, "Identity assertion"). */
function actingFor(info: CallInfo) {
  const given = DEVICE_PARAMETERS.map((name) => info.queryParameter(name));
  return { userId: info.queryParameter('user_id'), deviceId: given.find((value) => value !== undefined) };
}
