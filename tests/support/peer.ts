import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { trustAuthorities } from '../../packages/homeserver/src/platform/outbound/trusted-authorities.ts';
import { parseServerName, type ServerName } from '../../packages/protocol/src/identifiers/server-name.ts';
import type { JsonObject } from '../../packages/protocol/src/json/value.ts';
import { type SigningKey, signingKeyFromSeed } from '../../packages/protocol/src/signing/ed25519.ts';
import { signJson } from '../../packages/protocol/src/signing/json.ts';
import { authorizeRequest } from '../../packages/protocol/src/signing/request.ts';
import { AUTHORITY, SERVER_TLS } from './certificates.ts';
import { type RequestOptions, uriOf } from './client.ts';

/** The configuration with which a server under test federates with servers on loopback addresses. */
export const FEDERATING = {
  federation: { enabled: true, retry_min_ms: 50, retry_max_ms: 500 },
  outbound: { allowed_addresses: ['127.0.0.0/8', '::1'] },
};

/** A request that a peer has received. */
export interface ReceivedRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: string;
}

/** The answer of a peer: a status with JSON, or a function that writes any other answer. */
export type PeerAnswer = readonly [status: number, body: JsonObject] | ((response: ServerResponse) => void);

/** A minimal server of its own name that publishes a signing key and signs requests. */
export interface Peer {
  readonly name: ServerName;
  readonly port: number;
  readonly key: SigningKey;
  readonly received: ReceivedRequest[];
  /** Returns the header that authenticates a request to a server. */
  sign(destination: string, method: string, uri: string, content?: JsonObject): Record<string, string>;
  close(): Promise<void>;
}

let count = 0;

/** Makes this process trust the authority of the certificates for tests. */
export function trustTestAuthority(): void {
  trustAuthorities(AUTHORITY);
}

/**
 * Starts a peer on a free port of 127.0.0.1. `answer` serves everything except its keys. Without `named` the peer is
 * named after its address and port.
 */
export async function startPeer(answer?: (request: ReceivedRequest) => PeerAnswer, named?: string): Promise<Peer> {
  trustTestAuthority();
  count += 1;
  const key = signingKeyFromSeed(new Uint8Array(32).fill(count), `ed25519:p${count}`);
  const received: ReceivedRequest[] = [];
  const server = createServer(SERVER_TLS, (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const one = { method, path, authorization: headers.authorization, body };
      received.push(one);
      const given = path === '/_matrix/key/v2/server' ? ([200, keys()] as const) : (answer?.(one) ?? [404, {}]);
      if (typeof given === 'function') return given(response);
      const [status, json] = given;
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(json));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const name = serverName(named ?? `127.0.0.1:${port}`);
  const keys = () => {
    const validUntil = Date.now() + 3_600_000;
    const published = {
      server_name: name,
      valid_until_ts: validUntil,
      verify_keys: { [key.keyId]: { key: key.publicKey } },
    };
    return signJson(published, name, key);
  };
  return {
    name,
    port,
    key,
    received,
    sign: (destination, method, uri, content) => ({
      authorization: authorizeRequest(
        { method, uri, origin: name, destination: serverName(destination), content },
        key,
      ),
    }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Returns the headers that authenticate a request of a peer. The signature of a body that cannot be signed is wrong. */
export function signedHeaders(
  peer: Peer,
  destination: string,
  request: { readonly method: string; readonly path: string } & RequestOptions,
): Record<string, string> {
  try {
    const { rawBody = '' } = request;
    const content = rawBody === '' ? undefined : (JSON.parse(rawBody) as JsonObject);
    return peer.sign(destination, request.method, uriOf(request.path, request.query), content);
  } catch {
    return { authorization: `X-Matrix origin="${peer.name}",key="${peer.key.keyId}",sig="AA"` };
  }
}

function serverName(text: string): ServerName {
  const name = parseServerName(text);
  if (name === undefined) throw new Error(`${text} is not a server name`);
  return name;
}
