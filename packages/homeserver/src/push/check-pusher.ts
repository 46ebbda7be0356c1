import { invalidParam, missingParam } from '@hearth/protocol/errors.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';

/** The request of a client; `kind` is `null` to remove a pusher. */
export interface PusherRequest {
  readonly kind: string | null;
  readonly app_id: string;
  readonly pushkey: string;
  readonly app_display_name?: string | undefined;
  readonly device_display_name?: string | undefined;
  readonly profile_tag?: string | null | undefined;
  readonly lang?: string | undefined;
  readonly data?: JsonObject | undefined;
  readonly append?: boolean | undefined;
}

/** A request with all members that a pusher needs. */
export interface CheckedPusher extends PusherRequest {
  readonly kind: 'http' | 'email';
  readonly app_display_name: string;
  readonly device_display_name: string;
  readonly lang: string;
  readonly data: JsonObject;
}

const APP_ID_CHARACTERS_MAX = 64;
const PUSHKEY_BYTES_MAX = 512;
const TEXT_CHARACTERS_MAX = 500;
const DATA_BYTES_MAX = 16 * 1024;

/** The path of every push gateway (push gateway API, "POST /_matrix/push/v1/notify"). */
const GATEWAY_PATH = '/_matrix/push/v1/notify';

/**
 * Checks the identity of a pusher, which requests to set and to remove it contain.
 * @throws MatrixError M_INVALID_PARAM
 */
export function checkPusherKey({ app_id, pushkey }: PusherRequest): void {
  if (app_id.length > APP_ID_CHARACTERS_MAX) throw invalidParam('app_id is longer than 64 characters');
  if (Buffer.byteLength(pushkey) > PUSHKEY_BYTES_MAX) throw invalidParam('pushkey is longer than 512 bytes');
}

/**
 * Checks a pusher (client-server API, "POST /pushers/set").
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM
 */
export function checkPusher(request: PusherRequest): CheckedPusher {
  checkPusherKey(request);
  const { kind, app_display_name, device_display_name, lang, data, profile_tag } = request;
  if (kind !== 'http' && kind !== 'email') throw invalidParam('The kind of the pusher is not known');
  if (app_display_name === undefined || device_display_name === undefined || lang === undefined || data === undefined) {
    const needed = { app_display_name, device_display_name, lang, data };
    const missing = Object.entries(needed).filter(([, value]) => value === undefined);
    throw missingParam(`Missing parameters: ${missing.map(([name]) => name).join(', ')}`);
  }
  const texts = [app_display_name, device_display_name, lang, profile_tag ?? ''];
  if (texts.some((text) => text.length > TEXT_CHARACTERS_MAX))
    throw invalidParam('A display name, the language or the profile tag is too long');
  if (Buffer.byteLength(JSON.stringify(data)) > DATA_BYTES_MAX) throw invalidParam('data is too large');
  if (kind === 'http') gatewayOf(data);
  else if (request.app_id !== 'm.email') throw invalidParam("The app_id of an email pusher must be 'm.email'");
  return { ...request, kind, app_display_name, device_display_name, lang, data };
}

/**
 * Returns the URL of a gateway. The specification requires HTTPS, but gateways in a private network often lack it. The
 * outbound client decides whether requests may go there.
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM
 */
export function gatewayOf(data: JsonObject): URL {
  const text = asString(data.url);
  if (text === undefined) throw missingParam('data.url is missing');
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.pathname !== GATEWAY_PATH) {
    throw invalidParam(`data.url must be an HTTPS URL with the path ${GATEWAY_PATH}`);
  }
  if (url.username !== '' || url.password !== '') throw invalidParam('data.url must have no password');
  return url;
}
