import { invalidParam } from '@hearth/protocol/errors.ts';
import { parseDeviceId } from '@hearth/protocol/identifiers/device-id.ts';
import type { JsonObject } from '@hearth/protocol/json/value.ts';
import type { LoginOptions, NewSession } from '../../users/sessions/sessions.ts';

/** Returns the reply for a client that has opened a session. */
export function sessionReply(userId: string, session: NewSession): JsonObject {
  return {
    user_id: userId,
    home_server: userId.slice(userId.indexOf(':') + 1),
    device_id: session.deviceId,
    ...tokenReply(session),
  };
}

/** Returns the members of a reply that contain tokens. */
export function tokenReply(session: Omit<NewSession, 'deviceId'>): JsonObject {
  return {
    access_token: session.accessToken,
    refresh_token: session.refreshToken,
    expires_in_ms: session.expiresInMs,
  };
}

/** Reads the options about the device of a login or registration. @throws MatrixError M_INVALID_PARAM */
export function parseLoginOptions(body: {
  readonly device_id?: string | undefined;
  readonly initial_device_display_name?: string | undefined;
  readonly refresh_token?: boolean | undefined;
}): LoginOptions {
  const { device_id: deviceId } = body;
  if (deviceId !== undefined && parseDeviceId(deviceId) === undefined)
    throw invalidParam('device_id is not a valid device id');
  return {
    deviceId,
    displayName: body.initial_device_display_name,
    refreshToken: body.refresh_token,
  };
}
