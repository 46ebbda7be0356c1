import type { LookupAddress } from 'node:dns';
import type { ClientRequest } from 'node:http';
import type { Agent, RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../clock.ts';
import type { Resolve } from './dns.ts';
import type { PublicAddresses } from './public-addresses.ts';
import {
  answerOf,
  HEADER_BYTES_MAX,
  type IncomingReply,
  isClosed,
  OutboundError,
  replyOf,
  toOutboundError,
  USER_AGENT,
} from './reply.ts';

/** The address and the names with which a server is reached by HTTPS. */
export interface HttpsTarget {
  /** The host name or IP address to connect to. */
  readonly host: string;
  readonly port: number;
  /** The host name or IP address for which the certificate has to be valid. */
  readonly certificateName: string;
  /** The value of the `Host` header. */
  readonly hostHeader: string;
}

export interface HttpsRequest {
  readonly method: string;
  /** The path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The time for the connection and the TLS handshake. */
const CONNECT_MS = 5_000;
/** The time for one of several addresses of a host, after which the next is tried (happy eyeballs, RFC 8305). */
const ADDRESS_MS = 1_000;
/** The time after which an unused connection is closed. */
const IDLE_MS = 60_000;
const FREE_CONNECTIONS_MAX = 2;
const REUSED_TRIES_MAX = 3;

/**
 * Sends HTTPS requests to public addresses only, and keeps connections for the next request. A host name is resolved
 * for each new connection, and the connection is made to a checked address.
 */
export class HttpsPool {
  readonly #addresses: PublicAddresses;
  readonly #resolve: Resolve;
  readonly #clock: Clock;
  #agent: Agent | undefined;

  constructor(parts: { readonly addresses: PublicAddresses; readonly resolve: Resolve; readonly clock: Clock }) {
    this.#addresses = parts.addresses;
    this.#resolve = parts.resolve;
    this.#clock = parts.clock;
  }

  /** Sends a request. A redirect is not followed but returned. @throws OutboundError */
  async send(target: HttpsTarget, request: HttpsRequest, signal: AbortSignal): Promise<IncomingReply> {
    if (isAddress(target.host) && !this.#addresses.allows(target.host)) throw notPublic(target.host);
    for (let tries = 1; ; tries++) {
      const attempt = this.#begin(target, request, signal);
      try {
        return replyOf(await attempt.answer, () => {});
      } catch (error) {
        // The server closed the idle connection just before it was used again.
        if (attempt.isReused() && isClosed(error) && tries < REUSED_TRIES_MAX) continue;
        throw toOutboundError(error, signal, attempt.isUnsent());
      }
    }
  }

  /** Closes the connections that are not in use. */
  close(): void {
    this.#agent?.destroy();
  }

  #begin(target: HttpsTarget, { method, path, headers, body }: HttpsRequest, signal: AbortSignal) {
    const https = process.getBuiltinModule('node:https');
    this.#agent ??= new https.Agent({
      keepAlive: true,
      maxFreeSockets: FREE_CONNECTIONS_MAX,
      timeout: IDLE_MS,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_MS,
    });
    const options: RequestOptions = {
      agent: this.#agent,
      host: target.host,
      port: target.port,
      // TLS has no server name indication for IP addresses; the certificate is checked for `host` then.
      servername: isAddress(target.certificateName) ? '' : target.certificateName,
      method,
      path,
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      lookup: this.#lookup,
      headers: {
        host: target.hostHeader,
        'user-agent': USER_AGENT,
        'accept-encoding': 'identity',
        ...headers,
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      },
    };
    const sent = https.request(options);
    const connection = this.#watch(sent);
    sent.end(body);
    return { answer: answerOf(sent), ...connection };
  }

  /** Ends a request whose connection takes too long, and notes whether the request may have been sent. */
  #watch(request: ClientRequest) {
    let isConnected = false;
    const limit = this.#clock.after(CONNECT_MS, () => request.destroy(new OutboundError('no connection', false, true)));
    const connected = () => {
      isConnected = true;
      limit.cancel();
    };
    request.once('socket', (socket) => {
      if (request.reusedSocket) connected();
      else socket.once('secureConnect', connected);
    });
    request.once('close', () => limit.cancel());
    return { isUnsent: () => !isConnected, isReused: () => request.reusedSocket };
  }

  readonly #lookup: LookupFunction = (host, options, found) => {
    this.#permitted(host).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all === true) found(null, [...addresses]);
        else found(null, first?.address ?? '', first?.family);
      },
      (error: NodeJS.ErrnoException) => found(error, []),
    );
  };

  async #permitted(host: string): Promise<readonly LookupAddress[]> {
    const permitted = (await this.#resolve(host)).filter(({ address }) => this.#addresses.allows(address));
    if (permitted.length === 0) throw notPublic(host);
    return permitted;
  }
}

function notPublic(host: string): OutboundError {
  return new OutboundError(`${host} is not on a public network`, true);
}

function isAddress(host: string): boolean {
  return process.getBuiltinModule('node:net').isIP(host) !== 0;
}
