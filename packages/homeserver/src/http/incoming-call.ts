import type { Endpoint, LimitClass } from '@hearth/api/endpoint.ts';
import { addressKey } from '../platform/address-key.ts';
import { Cancellation } from '../platform/concurrency/cancellation.ts';
import { accessTokenOf, type CallInfo } from './authenticate.ts';
import type { Exchange } from './exchange.ts';
import { parseQuery, type Query } from './query.ts';
import type { LimitKey, RateLimits } from './rate-limits.ts';
import { remoteAddress, type TrustedProxies } from './remote-address.ts';
import type { Caller, Route } from './route.ts';

/** State that is shared by all requests. */
export interface CallContext {
  readonly proxies: TrustedProxies;
  readonly rateLimits: RateLimits;
  /** The waiting requests, which are cancelled when the server closes. */
  readonly waiting: Set<Cancellation>;
  /** Whether the server is closing, so that no request may wait any more. */
  isClosing: boolean;
}

/** A request with the values that its handler needs. Values that few handlers need are created on first use. */
export class IncomingCall implements CallInfo {
  readonly route: Route;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  query: unknown;
  body: unknown;
  caller: Caller | undefined;
  /** The server that has signed the request. */
  origin: string | undefined;
  readonly exchange: Exchange;
  readonly #context: CallContext;
  readonly #search: string;
  #parsedQuery: Query | undefined;
  #cancellation: Cancellation | undefined;

  constructor(
    route: Route,
    target: { path: string; search: string; params: Readonly<Record<string, string>> },
    exchange: Exchange,
    context: CallContext,
  ) {
    this.route = route;
    this.path = target.path;
    this.params = target.params;
    this.#search = target.search;
    this.exchange = exchange;
    this.#context = context;
  }

  get endpoint(): Endpoint {
    return this.route.endpoint;
  }

  get parsedQuery(): Query {
    this.#parsedQuery ??= parseQuery(this.#search);
    return this.#parsedQuery;
  }

  queryParameter(name: string): string | undefined {
    const value = this.parsedQuery[name];
    return typeof value === 'object' ? value[0] : value;
  }

  get remoteAddress(): string {
    return remoteAddress(this.exchange.peer, this.exchange.header('x-forwarded-for'), this.#context.proxies);
  }

  get userAgent(): string | undefined {
    return this.exchange.header('user-agent');
  }

  /** The user, server or address that this request is counted for. */
  get limitKey(): LimitKey {
    return this.caller?.user ?? this.origin ?? addressKey(this.remoteAddress);
  }

  /** Counts actions, see `Call.spend`. */
  readonly spend = (limit: LimitClass, count: number): void => {
    if (this.caller?.isUnlimited !== true) this.#context.rateLimits.spend(limit, this.limitKey, count);
  };

  get accessToken(): string | undefined {
    return accessTokenOf(this.exchange.header('authorization'), this);
  }

  /** The cancellation of this request, when the client closes the connection or the server closes. */
  get cancellation(): Cancellation {
    this.#cancellation ??= this.#watch();
    return this.#cancellation;
  }

  /** Ends the call after its answer was sent. */
  end(): void {
    this.#cancellation?.end();
  }

  #watch(): Cancellation {
    const cancellation = new Cancellation();
    const { waiting } = this.#context;
    if (this.exchange.isGone || this.#context.isClosing) cancellation.cancel();
    else {
      waiting.add(cancellation);
      this.exchange.whenOver((isAnswered) => {
        waiting.delete(cancellation);
        if (!isAnswered) cancellation.cancel();
      });
    }
    return cancellation;
  }
}
