import { isUtf8 } from 'node:buffer';
import { badJson, notJson, unauthorized } from '@hearth/protocol/errors.ts';
import { JsonParseError, parseJson } from '@hearth/protocol/json/parse.ts';
import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { checkSurrogates, readBody } from './body.ts';
import { checkBody, checkQuery } from './check.ts';
import type { IncomingCall } from './incoming-call.ts';
import type { RateLimits } from './rate-limits.ts';

/** The parts of a request that its signature covers. */
export interface SignedParts {
  readonly method: string;
  /** The path and query as they were sent. */
  readonly uri: string;
  readonly content: JsonObject | undefined;
  /** The function that is called when the request causes a fetch of keys. */
  readonly countFetch: () => void;
}

/**
 * A function that checks the `Authorization` headers of a request before its body is read. It returns a function that
 * verifies the signature and returns the name of the server. Both throw a MatrixError if the server may not send the
 * request.
 */
export type AuthenticateServer = (authorizations: readonly string[]) => (request: SignedParts) => Promise<string>;

/**
 * Reads a request of another server: authenticates it, counts it, and then checks its query and body against their
 * schemas.
 * @throws MatrixError
 */
export async function readSigned(
  call: IncomingCall,
  authenticate: AuthenticateServer | undefined,
  rateLimits: RateLimits,
  bodyBytesMax: number,
): Promise<void> {
  const { exchange, endpoint } = call;
  if (authenticate === undefined) throw unauthorized('This server does not federate');
  const verify = authenticate(exchange.headers('authorization'));
  // Requests that are not valid or cause a fetch of keys are counted, because an address can send any number of them.
  const takeBack = rateLimits.attempt('server-keys', call.limitKey);
  const bytes = await readBody(exchange, bodyBytesMax);
  const content = bytes.length === 0 ? undefined : parseContent(bytes);
  let isCounted = false;
  const countFetch = () => {
    isCounted = true;
  };
  const origin = await verify({ method: exchange.method, uri: exchange.target, content, countFetch });
  if (!isCounted) takeBack();
  call.origin = origin;
  rateLimits.take(endpoint.limit, call.limitKey);
  if (endpoint.query !== undefined) call.query = checkQuery(endpoint.query, call.parsedQuery);
  if (endpoint.body === undefined) return;
  if (content === undefined && endpoint.bodyOptional === undefined) throw notJson('The request has no body');
  call.body = checkBody(endpoint.body, content ?? {}, bytes.includes('null'));
}

/** Parses a body, more strictly than those of clients. @throws MatrixError `M_NOT_JSON` or `M_BAD_JSON` */
function parseContent(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw notJson('The body is not UTF-8');
  const text = bytes.toString('utf8');
  const value = parseText(text);
  if (!isObject(value)) throw badJson('The body must be a JSON object');
  checkSurrogates(text, value);
  return value;
}

function parseText(text: string): JsonValue {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonParseError)) throw error;
    if (error.message === 'not JSON') throw notJson('The body is not JSON');
    throw badJson(`The body is not valid JSON for federation: ${error.message}`);
  }
}
