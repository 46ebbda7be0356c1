import type { LookupAddress } from 'node:dns';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import type { Clock } from '../clock.ts';
import type { PublicAddresses } from './public-addresses.ts';

/** A request was not made, or its answer not taken: why, in words for the log and for whoever asked. */
export class OutboundError extends Error {
  /** The address is not one that requests may go to. */
  readonly isForbidden: boolean;

  constructor(message: string, isForbidden = false) {
    super(message);
    this.isForbidden = isForbidden;
  }
}

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

export interface OutboundRequest {
  readonly accept: string;
  /** From the first byte out to the last byte in, redirects included. */
  readonly timeoutMs: number;
}

/** A request with what it posts, if it does. */
interface Asked extends OutboundRequest {
  readonly json?: string;
}

/** An answer; its body is read, or closed. */
export interface OutboundReply {
  /** Where it came from in the end. */
  readonly url: URL;
  readonly status: number;
  readonly contentType: string | undefined;
  readonly length: number | undefined;
  /** Hands over each chunk; @throws OutboundError when the answer breaks off or takes too long */
  receive(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void>;
  close(): void;
}

const REDIRECTS_MAX = 5;
const REDIRECTS: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308]);
const USER_AGENT = 'Hearth (Matrix homeserver)';
const HEADER_BYTES_MAX = 32 * 1024;

/**
 * Requests to addresses that somebody else has given. They go to public addresses only: names are looked up here, and
 * the connection is made to the very address that was looked at, so that a name cannot change its mind between the two;
 * every redirect is a request of its own.
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

  /** Posts JSON text. Follows no redirect: it is an answer like any other. @throws OutboundError */
  post(url: URL, json: string, request: OutboundRequest): Promise<OutboundReply> {
    return this.#ask(url, { ...request, json }, 0);
  }

  async #ask(url: URL, request: Asked, redirects: number): Promise<OutboundReply> {
    const controller = new AbortController();
    const timer = this.#clock.after(request.timeoutMs, () => controller.abort());
    let at = url;
    try {
      for (let i = 0; i <= redirects; i++) {
        const response = await this.#once(at, request, controller.signal);
        const { location } = response.headers;
        if (redirects === 0 || !REDIRECTS.has(response.statusCode) || location === undefined) {
          return replyOf(at, response, () => timer.cancel());
        }
        response.destroy();
        at = next(location, at);
      }
      throw new OutboundError(`more than ${REDIRECTS_MAX} redirects`);
    } catch (error) {
      timer.cancel();
      throw explained(error, controller.signal);
    }
  }

  async #once(url: URL, { accept, json }: Asked, signal: AbortSignal): Promise<IncomingMessage> {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new OutboundError('not an http URL', true);
    if (url.username !== '' || url.password !== '') throw new OutboundError('a URL with a password', true);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const permitted = (await this.#lookup(host)).filter(({ address }) => this.#addresses.allows(address));
    const [first] = permitted;
    if (first === undefined) throw new OutboundError(`${host} is not on a public network`, true);
    const { request } = process.getBuiltinModule(url.protocol === 'http:' ? 'node:http' : 'node:https');
    const options: RequestOptions = {
      // No connection is shared: one that is open was made to what its name meant then.
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

  /** An address stands for itself: `lookup` is not even asked about those. */
  async #lookup(host: string): Promise<readonly LookupAddress[]> {
    const { isIP } = process.getBuiltinModule('node:net');
    const family = isIP(host);
    return family === 0 ? this.#resolve(host) : [{ address: host, family }];
  }
}

/** The system's look-up, which knows `/etc/hosts`. */
export const systemResolve: Resolve = (host) =>
  process.getBuiltinModule('node:dns').promises.lookup(host, { all: true });

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
  });
}

function next(location: string, from: URL): URL {
  const url = URL.parse(location, from.href);
  if (url === null) throw new OutboundError('a redirect to nowhere');
  return url;
}

function replyOf(url: URL, response: IncomingMessage, over: () => void): OutboundReply {
  const { 'content-type': contentType, 'content-length': length } = response.headers;
  return {
    url,
    status: response.statusCode ?? 0,
    contentType,
    length: length === undefined ? undefined : Number(length),
    async receive(take) {
      try {
        for await (const chunk of response) await take(chunk);
      } catch (error) {
        throw isOurs(error) ? error : new OutboundError('the answer broke off');
      } finally {
        over();
        response.destroy();
      }
    },
    close() {
      over();
      response.destroy();
    },
  };
}

/** Errors of the network have a code; what else is thrown comes from whoever takes the chunks. */
function isOurs(error: unknown): boolean {
  return !(error instanceof Error && 'code' in error);
}

function explained(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof OutboundError) return error;
  if (signal.aborted) return new OutboundError('the answer took too long');
  return error instanceof Error && 'code' in error ? new OutboundError(`no answer: ${String(error.code)}`) : error;
}
