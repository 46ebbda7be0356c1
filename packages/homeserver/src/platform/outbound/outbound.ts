import type { LookupAddress } from 'node:dns';
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { Clock } from '../clock.ts';
import type { Resolve } from './dns.ts';
import type { PublicAddresses } from './public-addresses.ts';
import {
  answerOf,
  HEADER_BYTES_MAX,
  type IncomingReply,
  OutboundError,
  replyOf,
  toOutboundError,
  USER_AGENT,
} from './reply.ts';

export interface OutboundRequest {
  readonly accept: string;
  /** The time limit from the first byte sent to the last byte received, including redirects. */
  readonly timeoutMs: number;
  /** The time limit for the body. Without it the body is part of `timeoutMs`. */
  readonly bodyTimeoutMs?: number;
  /** Whether redirects to `http` URLs are refused. */
  readonly isHttpsOnly?: boolean;
}

/** A request with its body, if it has one. */
interface PreparedRequest extends OutboundRequest {
  readonly json?: string;
}

/** An answer. The caller reads or closes its body. */
export interface OutboundReply extends IncomingReply {
  /** The final URL after redirects. */
  readonly url: URL;
}

const REDIRECTS_MAX = 5;
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);

/**
 * Sends requests to URLs that others have given, to public addresses only. Host names are resolved here, and the
 * connection is made to the checked address, so that a name cannot resolve to another address in between. Every
 * redirect is checked in the same way.
 */
export class Outbound {
  readonly #addresses: PublicAddresses;
  readonly #resolve: Resolve;
  readonly #clock: Clock;

  constructor(parts: { readonly addresses: PublicAddresses; readonly resolve: Resolve; readonly clock: Clock }) {
    this.#addresses = parts.addresses;
    this.#resolve = parts.resolve;
    this.#clock = parts.clock;
  }

  /** Gets a URL, following a few redirects. @throws OutboundError */
  get(url: URL, request: OutboundRequest): Promise<OutboundReply> {
    return this.#ask(url, request, REDIRECTS_MAX);
  }

  /** Posts JSON text. A redirect is not followed but returned. @throws OutboundError */
  post(url: URL, json: string, request: OutboundRequest): Promise<OutboundReply> {
    return this.#ask(url, { ...request, json }, 0);
  }

  async #ask(url: URL, request: PreparedRequest, redirects: number): Promise<OutboundReply> {
    const controller = new AbortController();
    let timer = this.#clock.after(request.timeoutMs, () => controller.abort());
    let at = url;
    try {
      for (let i = 0; i <= redirects; i++) {
        const response = await this.#once(at, request, controller.signal);
        const { location } = response.headers;
        if (redirects === 0 || !REDIRECTS.has(response.statusCode) || location === undefined) {
          if (request.bodyTimeoutMs !== undefined) {
            timer.cancel();
            timer = this.#clock.after(request.bodyTimeoutMs, () => controller.abort());
          }
          return { ...replyOf(response, () => timer.cancel()), url: at };
        }
        response.destroy();
        at = next(location, at);
      }
      throw new OutboundError(`more than ${REDIRECTS_MAX} redirects`);
    } catch (error) {
      timer.cancel();
      throw toOutboundError(error, controller.signal);
    }
  }

  async #once(url: URL, { accept, json, isHttpsOnly }: PreparedRequest, signal: AbortSignal): Promise<IncomingMessage> {
    const isHttp = url.protocol === 'http:' && isHttpsOnly !== true;
    if (!isHttp && url.protocol !== 'https:')
      throw new OutboundError(isHttpsOnly === true ? 'not an https URL' : 'not an http URL', true);
    if (url.username !== '' || url.password !== '')
      throw new OutboundError('the URL contains a user name or a password', true);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const permitted = (await this.#lookup(host)).filter(({ address }) => this.#addresses.allows(address));
    const [first] = permitted;
    if (first === undefined) throw new OutboundError(`${host} is not on a public network`, true);
    const { request } = process.getBuiltinModule(url.protocol === 'http:' ? 'node:http' : 'node:https');
    const options: RequestOptions = {
      // Connections are not reused, because a host name may resolve to another address now.
      agent: false,
      method: json === undefined ? 'GET' : 'POST',
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      headers: {
        accept,
        'accept-encoding': 'identity',
        'user-agent': USER_AGENT,
        ...(json === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(json) }),
      },
      lookup: (_host, lookup, found) => {
        if (lookup.all === true) found(null, [...permitted]);
        else found(null, first.address, first.family);
      },
    };
    return answerOf(request(url, options).end(json));
  }

  /** Resolves a host. An IP address is returned without a lookup. */
  async #lookup(host: string): Promise<readonly LookupAddress[]> {
    const { isIP } = process.getBuiltinModule('node:net');
    const family = isIP(host);
    return family === 0 ? this.#resolve(host) : [{ address: host, family }];
  }
}

function next(location: string, from: URL): URL {
  const url = URL.parse(location, from.href);
  if (url === null) throw new OutboundError('the redirect has no URL');
  return url;
}
