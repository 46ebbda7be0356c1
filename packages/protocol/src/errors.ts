import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import type { JsonObject } from './json/value.ts';

export { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** A refusal to a caller: what the HTTP reply will be. Made by the named functions of this file. */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';
  readonly status: number;
  readonly errcode: string;
  /** Members of the reply besides `errcode` and `error`. */
  readonly fields: JsonObject | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(
    status: number,
    errcode: string,
    message: string,
    fields?: JsonObject,
    headers?: Readonly<Record<string, string>>,
  ) {
    super(message);
    this.status = status;
    this.errcode = errcode;
    this.fields = fields;
    this.headers = headers;
  }

  /** The body of the reply (client-server API, "Standard error response"). */
  body(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.fields };
  }
}

/** An error of the table with its usual status, or another where an endpoint asks for it. */
export function matrixError(
  errcode: ErrorCode,
  message?: string,
  options: { status?: number; fields?: JsonObject; headers?: Record<string, string> } = {},
): MatrixError {
  const [status, meaning] = ERROR_CODES[errcode];
  return new MatrixError(options.status ?? status, errcode, message ?? meaning, options.fields, options.headers);
}

const named = (errcode: ErrorCode) => (message?: string) => matrixError(errcode, message);

export const badJson = named('M_BAD_JSON');
export const forbidden = named('M_FORBIDDEN');
export const missingToken = named('M_MISSING_TOKEN');
export const notFound = named('M_NOT_FOUND');
export const notJson = named('M_NOT_JSON');
export const unknownDevice = named('M_UNKNOWN_DEVICE');
export const userSuspended = named('M_USER_SUSPENDED');

export const appserviceLoginUnsupported = named('M_APPSERVICE_LOGIN_UNSUPPORTED');
export const captchaInvalid = named('M_CAPTCHA_INVALID');
export const captchaNeeded = named('M_CAPTCHA_NEEDED');
export const exclusive = named('M_EXCLUSIVE');
export const invalidUsername = named('M_INVALID_USERNAME');
export const unauthorized = named('M_UNAUTHORIZED');
export const userDeactivated = named('M_USER_DEACTIVATED');
export const userInUse = named('M_USER_IN_USE');
export const weakPassword = named('M_WEAK_PASSWORD');
export const keyTooLarge = named('M_KEY_TOO_LARGE');
export const profileTooLarge = named('M_PROFILE_TOO_LARGE');

export const invalidParam = named('M_INVALID_PARAM');
export const missingParam = named('M_MISSING_PARAM');
export const tooLarge = named('M_TOO_LARGE');
export const unknownPos = named('M_UNKNOWN_POS');

export const badAlias = named('M_BAD_ALIAS');
export const badState = named('M_BAD_STATE');
export const cannotLeaveServerNoticeRoom = named('M_CANNOT_LEAVE_SERVER_NOTICE_ROOM');
export const duplicateAnnotation = named('M_DUPLICATE_ANNOTATION');
export const guestAccessForbidden = named('M_GUEST_ACCESS_FORBIDDEN');
export const invalidRoomState = named('M_INVALID_ROOM_STATE');
export const inviteBlocked = named('M_INVITE_BLOCKED');
export const roomInUse = named('M_ROOM_IN_USE');
export const unableToAuthoriseJoin = named('M_UNABLE_TO_AUTHORISE_JOIN');
export const unableToGrantJoin = named('M_UNABLE_TO_GRANT_JOIN');
export const unsupportedRoomVersion = named('M_UNSUPPORTED_ROOM_VERSION');

export const invalidEmail = named('M_INVALID_EMAIL');
export const noValidSession = named('M_NO_VALID_SESSION');
export const serverNotTrusted = named('M_SERVER_NOT_TRUSTED');
export const sessionExpired = named('M_SESSION_EXPIRED');
export const sessionNotValidated = named('M_SESSION_NOT_VALIDATED');
export const termsNotSigned = named('M_TERMS_NOT_SIGNED');
export const threepidAuthFailed = named('M_THREEPID_AUTH_FAILED');
export const threepidDenied = named('M_THREEPID_DENIED');
export const threepidInUse = named('M_THREEPID_IN_USE');
export const threepidMediumNotSupported = named('M_THREEPID_MEDIUM_NOT_SUPPORTED');
export const threepidNotFound = named('M_THREEPID_NOT_FOUND');
export const tokenIncorrect = named('M_TOKEN_INCORRECT');

export const invalidSignature = named('M_INVALID_SIGNATURE');
export const cannotOverwriteMedia = named('M_CANNOT_OVERWRITE_MEDIA');
export const notYetUploaded = named('M_NOT_YET_UPLOADED');

export const connectionFailed = named('M_CONNECTION_FAILED');
export const connectionTimeout = named('M_CONNECTION_TIMEOUT');
export const urlNotSet = named('M_URL_NOT_SET');

/** The user has stopped following the thread after the event because of which a client follows it (MSC4306). */
export function conflictingUnsubscription(message: string): MatrixError {
  return new MatrixError(409, 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION', message);
}

/** The event because of which a client follows a thread is not in that thread (MSC4306). */
export function notInThread(message: string): MatrixError {
  return new MatrixError(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', message);
}

/** Something went wrong that no other code describes; 500 unless a status is given. */
export function unknown(message?: string, status?: number): MatrixError {
  return matrixError('M_UNKNOWN', message, status === undefined ? {} : { status });
}

/** 503: the server cannot answer at the moment; the time to wait is in the body and in `Retry-After`. */
export function serviceUnavailable(retryAfterMs: number, message?: string): MatrixError {
  return matrixError('M_UNKNOWN', message, {
    status: 503,
    fields: { retry_after_ms: Math.ceil(retryAfterMs) },
    headers: { 'Retry-After': `${Math.ceil(retryAfterMs / 1000)}` },
  });
}

/** 404: there is no such endpoint; 405: the endpoint has no such method. */
export function unrecognized(status: 404 | 405 = 404, message?: string): MatrixError {
  return matrixError('M_UNRECOGNIZED', message, { status });
}

/** The token is not known. With `softLogout` the client may log in again to the same device. */
export function unknownToken(softLogout = false, message?: string): MatrixError {
  return matrixError('M_UNKNOWN_TOKEN', message, softLogout ? { fields: { soft_logout: true } } : {});
}

/** The account is locked; its session stays usable later (client-server API, "Account locking"). */
export function userLocked(message?: string): MatrixError {
  return matrixError('M_USER_LOCKED', message, { fields: { soft_logout: true } });
}

/** Rate limited: the time to wait, in the body and in `Retry-After` (client-server API, "Rate limiting"). */
export function limitExceeded(retryAfterMs: number, message?: string): MatrixError {
  return matrixError('M_LIMIT_EXCEEDED', message, {
    fields: { retry_after_ms: Math.ceil(retryAfterMs) },
    headers: { 'Retry-After': `${Math.ceil(retryAfterMs / 1000)}` },
  });
}

/** The server is at a limit that `adminContact` can tell about. */
export function resourceLimitExceeded(adminContact: string, message?: string): MatrixError {
  return matrixError('M_RESOURCE_LIMIT_EXCEEDED', message, { fields: { admin_contact: adminContact } });
}

/** The account is at a limit that `infoUri` explains; `canUpgrade` says whether it can be raised. */
export function userLimitExceeded(infoUri: string, canUpgrade = false, message?: string): MatrixError {
  return matrixError('M_USER_LIMIT_EXCEEDED', message, { fields: { info_uri: infoUri, can_upgrade: canUpgrade } });
}

/** The room has a version this server, or the asking one, does not support. */
export function incompatibleRoomVersion(roomVersion: string, message?: string): MatrixError {
  return matrixError('M_INCOMPATIBLE_ROOM_VERSION', message, { fields: { room_version: roomVersion } });
}

/** The key backup named is not the current one. */
export function wrongRoomKeysVersion(currentVersion: string, message?: string): MatrixError {
  return matrixError('M_WRONG_ROOM_KEYS_VERSION', message, { fields: { current_version: currentVersion } });
}

/** The application service answered a ping with an error status and body. */
export function badStatus(status: number, body: string, message?: string): MatrixError {
  return matrixError('M_BAD_STATUS', message, { fields: { status, body } });
}
