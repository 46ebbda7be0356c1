import type { TestUser } from '../../../../tests/support/user.ts';

/** A reply whose body is bytes. */
export interface BytesReply {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly json: { readonly errcode?: string; readonly error?: string; readonly [name: string]: unknown };
}

export interface UploadOptions {
  readonly type?: string | undefined;
  readonly name?: string;
}

/** Makes a request to a path of the server, and gives back whatever comes. */
export async function fetchBytes(
  server: { readonly url: string },
  path: string,
  options: { token?: string | undefined; headers?: Record<string, string>; method?: string; body?: Uint8Array } = {},
): Promise<BytesReply> {
  const headers = {
    ...options.headers,
    ...(options.token !== undefined && { Authorization: `Bearer ${options.token}` }),
  };
  const body = options.body === undefined ? null : new Uint8Array(options.body);
  const response = await fetch(`${server.url}${path}`, { method: options.method ?? 'GET', headers, body });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, json: parse(bytes) };
}

/** Uploads and returns the address, `server/mediaId`. */
export async function upload(
  user: TestUser,
  content: Uint8Array | string,
  options: UploadOptions = {},
): Promise<string> {
  const query = options.name === undefined ? '' : `?filename=${encodeURIComponent(options.name)}`;
  const { type = 'application/octet-stream' } = options;
  const reply = await fetchBytes(user.server, `/_matrix/media/v3/upload${query}`, {
    method: 'POST',
    token: user.token,
    headers: { 'Content-Type': type },
    body: Buffer.from(content),
  });
  const uri = reply.json.content_uri;
  if (reply.status !== 200 || typeof uri !== 'string')
    throw new Error(`upload: ${reply.status} ${reply.bytes.toString()}`);
  return uri.slice('mxc://'.length);
}

/** Downloads with the user's token. */
export function download(user: TestUser, address: string, headers: Record<string, string> = {}): Promise<BytesReply> {
  return fetchBytes(user.server, `/_matrix/client/v1/media/download/${address}`, { token: user.token, headers });
}

/** A thumbnail with the user's token. */
export function thumbnail(user: TestUser, address: string, query: string): Promise<BytesReply> {
  return fetchBytes(user.server, `/_matrix/client/v1/media/thumbnail/${address}?${query}`, { token: user.token });
}

function parse(bytes: Buffer): BytesReply['json'] {
  try {
    return JSON.parse(bytes.toString()) as BytesReply['json'];
  } catch {
    return {};
  }
}
