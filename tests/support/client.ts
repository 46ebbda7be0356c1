import type { JsonObject, JsonValue } from '../../packages/protocol/src/json/value.ts';

/** The server and the token of requests. The server's address may change when it restarts. */
export interface Access {
  readonly server: { readonly url: string };
  readonly token?: string;
}

/** Parameters of a query; a list repeats the name. */
export type QueryValues = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

export interface RequestOptions {
  readonly query?: QueryValues;
  /** The body: a JSON value, or bytes. */
  readonly body?: JsonValue | Uint8Array<ArrayBuffer>;
  readonly rawBody?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface TestReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The parsed body; an empty object if it is not a JSON object. */
  readonly json: JsonObject;
}

/** The error for a reply that a test did not expect. */
export class UnexpectedReply extends Error {
  readonly reply: TestReply;
  constructor(method: string, path: string, reply: TestReply) {
    super(`${method} ${path}: ${reply.status} ${reply.text.slice(0, 500)}`);
    this.reply = reply;
  }
}

/**
 * Sends a request and returns the reply, whatever its status. The prefix `/_matrix/client/v3` of a path may be left
 * out.
 */
export async function request(
  { server, token }: Access,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<TestReply> {
  const { query, body, rawBody, headers = {}, signal } = options;
  const sent = rawBody ?? (body instanceof Uint8Array || body === undefined ? body : JSON.stringify(body));
  const response = await fetch(`${server.url}${absolute(path)}${search(query)}`, {
    method,
    headers: { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...headers },
    body: sent ?? null,
    signal: signal ?? null,
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parse(text) };
}

/** Sends a request that has to succeed. @throws UnexpectedReply */
export async function call<T = JsonObject>(
  access: Access,
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<T> {
  const reply = await request(access, method, path, options);
  if (reply.status !== 200) throw new UnexpectedReply(method, path, reply);
  // Each test declares the type that it expects, and fails where the reply differs.
  return reply.json as T;
}

/** Returns the path and query of a request as they are sent. */
export function uriOf(path: string, query?: QueryValues): string {
  const { pathname, search: sent } = new URL(`http://x${absolute(path)}${search(query)}`);
  return `${pathname}${sent}`;
}

/** Returns a path from percent-encoded parts. */
export function pathOf(...parts: readonly string[]): string {
  return `/${parts.map(encodeURIComponent).join('/')}`;
}

function absolute(path: string): string {
  return path.startsWith('/_') || path.startsWith('/.well-known') || path === '/health'
    ? path
    : `/_matrix/client/v3${path}`;
}

function search(query: QueryValues = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) parameters.append(name, String(one));
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}
