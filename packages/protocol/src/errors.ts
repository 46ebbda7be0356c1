import { ERROR_CODES, type ErrorCode } from './error-codes.ts';
import type { JsonObject } from './json/value.ts';

export { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** An error that is sent to the caller: it becomes the HTTP response. The named functions of this file create it. */
export class MatrixError extends Error {
  override readonly name = 'MatrixError';
  readonly status: number;
  readonly errcode: string;
  /** Members of the response besides `errcode` and `error`. */
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

  /** Returns the body of the response (client-server API, "Standard error response"). */
  body(): JsonObject {
    return { errcode: this.errcode, error: this.message, ...this.fields };
  }
}

/** Returns an error of the table, with its usual status unless an endpoint needs another. */
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

/**
 * Returns the error for an automatic subscription to a thread when the user has unsubscribed after the event that
 * causes it (MSC4306).
 */
export function conflictingUnsubscription(message: string): MatrixError {
  return new MatrixError(409, 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION', message);
}

/**
 * Returns the error for an automatic subscription to a thread when the event that causes it is not in that thread
 * (MSC4306).
 */
export function notInThread(message: string): MatrixError {
  return new MatrixError(400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD', message);
}

/** Returns the error for everything that no other code describes; the status is 500 unless one is given. */
export function unknown(message?: string, status?: number): MatrixError {
  return matrixError('M_UNKNOWN', message, status === undefined ? {} : { status });
}

/**
 * Returns the error 503 for a server that cannot answer at the moment. The time to wait is in the body and in
 * `Retry-After`.
 */
export function serviceUnavailable(retryAfterMs: number, message?: string): MatrixError {
  return matrixError('M_UNKNOWN', message, {
    status: 503,
    fields: { retry_after_ms: Math.ceil(retryAfterMs) },
    headers: { 'Retry-After': `${Math.ceil(retryAfterMs / 1000)}` },
  });
}

/** Returns the error for an endpoint that does not exist (404) or that does not have the method (405). */
export function unrecognized(status: 400 | 404 | 405 = 404, message?: string): MatrixError {
  return matrixError('M_UNRECOGNIZED', message, { status });
}

/** Returns the error for an unknown token. With `softLogout` the client may log in again to the same device. */
export function unknownToken(softLogout = false, message?: string): MatrixError {
  return matrixError('M_UNKNOWN_TOKEN', message, softLogout ? { fields: { soft_logout: true } } : {});
}

/**
 * Returns the error for a locked account, whose session remains valid for later (client-server API, "Account locking").
 */
export function userLocked(message?: string): MatrixError {
  return matrixError('M_USER_LOCKED', message, { fields: { soft_logout: true } });
}

/**
 * Returns the error for too many requests, with the time to wait in the body and in `Retry-After` (client-server API,
 * "Rate limiting").
 */
export function limitExceeded(retryAfterMs: number, message?: string): MatrixError {
  return matrixError('M_LIMIT_EXCEEDED', message, {
    fields: { retry_after_ms: Math.ceil(retryAfterMs) },
    headers: { 'Retry-After': `${Math.ceil(retryAfterMs / 1000)}` },
  });
}

/** Returns the error for a server that has reached a limit. `adminContact` names somebody who can explain it. */
export function resourceLimitExceeded(adminContact: string, message?: string): MatrixError {
  return matrixError('M_RESOURCE_LIMIT_EXCEEDED', message, { fields: { admin_contact: adminContact } });
}

/**
 * Returns the error for an account that has reached a limit. `infoUri` explains the limit; `canUpgrade` says whether it
 * can be raised.
 */
export function userLimitExceeded(infoUri: string, canUpgrade = false, message?: string): MatrixError {
  return matrixError('M_USER_LIMIT_EXCEEDED', message, { fields: { info_uri: infoUri, can_upgrade: canUpgrade } });
}

/** Returns the error for a room whose version this server, or the server that asks, does not support. */
export function incompatibleRoomVersion(roomVersion: string, message?: string): MatrixError {
  return matrixError('M_INCOMPATIBLE_ROOM_VERSION', message, { fields: { room_version: roomVersion } });
}

/** Returns the error for a key backup version that is not the current one. */
export function wrongRoomKeysVersion(currentVersion: string, message?: string): MatrixError {
  return matrixError('M_WRONG_ROOM_KEYS_VERSION', message, { fields: { current_version: currentVersion } });
}

/** Returns the error for an application service that answers a ping with an error status and body. */
export function badStatus(status: number, body: string, message?: string): MatrixError {
  return matrixError('M_BAD_STATUS', message, { fields: { status, body } });
}
