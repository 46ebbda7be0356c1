import { encodeBase64 } from '../encoding/base64.ts';
import { parseServerName, type ServerName } from '../identifiers/server-name.ts';
import { canonicalJson } from '../json/canonical.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import { type SigningKey, signText, type VerifyKey } from './ed25519.ts';
import { verifyJsonWithKey } from './json.ts';

/** The parts of a federation request that are signed (server-server API, "Request Authentication"). */
export interface SignedRequest {
  /** The method in upper case. */
  readonly method: string;
  /** The path and query as sent, starting with `/_matrix`. */
  readonly uri: string;
  readonly origin: ServerName;
  readonly destination: ServerName;
  /** The parsed body; undefined when the request has none. */
  readonly content?: JsonValue | undefined;
}

/** A request that is sent. A body that is canonical JSON already is passed as a text. */
export interface OwnRequest extends SignedRequest {
  readonly contentText?: string | undefined;
}

/** The parameters of an `Authorization: X-Matrix` header. Old servers leave out the destination. */
export interface RequestAuthorization {
  readonly origin: ServerName;
  readonly destination?: ServerName;
  readonly keyId: string;
  readonly signature: string;
}

/** Requests carry events of old room versions, which may contain numbers that canonical JSON does not permit. */
const NUMBERS = 'any';
const SCHEME = /^X-Matrix[ ]+/i;
/** One parameter and the comma after it. An unquoted value may contain colons, because old servers send them. */
const PARAMETER = /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))[ \t]*(?:,|$)/y;

/** Returns the value of the `Authorization` header that authenticates a request. @throws CanonicalJsonError */
export function authorizeRequest(request: OwnRequest, key: SigningKey): string {
  const signature = encodeBase64(signText(signedText(request), key));
  const { origin, destination } = request;
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.keyId}",sig="${signature}"`;
}

/**
 * Parses the value of an `Authorization` header of the scheme X-Matrix. Returns undefined when it is malformed, repeats
 * a parameter or lacks one. Unknown parameters are ignored. The caller checks that `destination` is this server.
 */
export function parseAuthorization(header: string): RequestAuthorization | undefined {
  const parameters = parseParameters(header);
  const origin = parseServerName(parameters?.get('origin') ?? '');
  const keyId = parameters?.get('key');
  const signature = parameters?.get('sig');
  if (origin === undefined || keyId === undefined || signature === undefined) return undefined;
  const named = parameters?.get('destination');
  if (named === undefined) return { origin, keyId, signature };
  const destination = parseServerName(named);
  return destination === undefined ? undefined : { origin, destination, keyId, signature };
}

/** Returns whether the signature in a header is valid for a request to this server. */
export function verifyRequest(request: SignedRequest, authorization: RequestAuthorization, key: VerifyKey): boolean {
  const { keyId, signature } = authorization;
  if (authorization.origin !== request.origin) return false;
  const signed = { ...signedObject(request), signatures: { [request.origin]: { [keyId]: signature } } };
  return verifyJsonWithKey(signed, request.origin, keyId, key, NUMBERS);
}

/** Returns the canonical JSON of a request. `content` is the first of its members in the canonical order. */
function signedText(request: OwnRequest): string {
  const text = canonicalJson(signedObject(request), NUMBERS);
  return request.contentText === undefined ? text : `{"content":${request.contentText},${text.slice(1)}`;
}

function signedObject({ method, uri, origin, destination, content }: SignedRequest): JsonObject {
  return { method, uri, origin, destination, content };
}

function parseParameters(header: string): Map<string, string> | undefined {
  const scheme = SCHEME.exec(header)?.[0];
  if (scheme === undefined) return undefined;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = scheme.length;
  while (PARAMETER.lastIndex < header.length) {
    const [, name = '', quoted, token = ''] = PARAMETER.exec(header) ?? [];
    const key = name.toLowerCase();
    if (key === '' || parameters.has(key)) return undefined;
    parameters.set(key, quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1'));
  }
  return parameters;
}
