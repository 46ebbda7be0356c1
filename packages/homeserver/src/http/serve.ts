import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { invalidParam, MatrixError, serviceUnavailable, unknown, unrecognized } from '@hearth/protocol/errors.ts';
import { isObject } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/monitoring/log.ts';
import type { Histogram, Metrics } from '../platform/monitoring/metrics.ts';
import { Unavailable } from '../platform/unavailable.ts';
import { type Authenticate, findCaller } from './authenticate.ts';
import { parseBody, readBody } from './body.ts';
import { checkBody, checkQuery } from './check.ts';
import type { Exchange } from './exchange.ts';
import { type CallContext, IncomingCall } from './incoming-call.ts';
import { ClientGone } from './intake.ts';
import { PathTree } from './path-tree.ts';
import type { RateLimits } from './rate-limits.ts';
import { sendFile } from './replies/file-reply.ts';
import { sendPieces } from './replies/pieces-reply.ts';
import { sendAnswer, sendError, sendPreflight } from './replies/reply.ts';
import { type Answer, type Call, FileReply, JsonPieces, type Route } from './route.ts';
import { type AuthenticateServer, readSigned } from './signed-request.ts';

/** The functions that identify the senders of requests. */
export interface Authenticators {
  readonly user: Authenticate;
  /** The function that identifies other servers; absent if the server does not federate. */
  readonly server: AuthenticateServer | undefined;
}

/** The objects that serve every request, and the maximum length of its body. */
export interface ServeParts {
  readonly authenticate: Authenticators;
  readonly rateLimits: RateLimits;
  /**
   * Returns a promise that resolves when the woken requests of a user are answered; undefined without such requests.
   */
  readonly ownAnswers?: ((user: number) => Promise<void> | undefined) | undefined;
  readonly bodyBytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * The maximum length of a path parameter: more than identifiers have, and short enough for an index of the database.
 */
const PARAM_LENGTH_MAX = 800;
const SECONDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30];

/** Serves requests from their arrival to their answer. All listeners share one instance. */
export class Serve {
  readonly #parts: ServeParts;
  readonly #context: CallContext;
  readonly #tree = new PathTree<Route>();
  readonly #seconds: Histogram;
  #running = 0;
  #failures = 0;
  /** The function that is called when the last running request has been answered. */
  #idle: (() => void) | undefined;

  constructor(routes: readonly Route[], parts: ServeParts, context: CallContext) {
    this.#parts = parts;
    this.#context = context;
    this.#seconds = parts.metrics.histogram(
      'hearth_http_request_seconds',
      'Time until the response in seconds',
      SECONDS,
      ['operation', 'status'],
    );
    for (const route of routes) {
      for (const path of route.endpoint.paths) this.#tree.add(route.endpoint.method, path, route);
    }
  }

  /** Serves one request. */
  readonly handle = (exchange: Exchange): void => {
    if (exchange.method === 'OPTIONS') {
      sendPreflight(exchange);
      return;
    }
    this.#running += 1;
    exchange.whenOver(this.#over);
    try {
      void this.#serve(this.#match(exchange));
    } catch (error) {
      this.#refuse(error, 'unknown', exchange);
    }
  };

  /** Ends long polls; resolves when every request that has arrived is answered. */
  close(): Promise<void> {
    this.#context.isClosing = true;
    for (const cancellation of this.#context.waiting) cancellation.cancel();
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle = resolve;
    });
  }

  readonly #over = (): void => {
    this.#running -= 1;
    if (this.#running === 0) this.#idle?.();
  };

  #match(exchange: Exchange): IncomingCall {
    const { target } = exchange;
    const mark = target.indexOf('?');
    const path = mark === -1 ? target : target.slice(0, mark);
    // HEAD is served as GET; node:http leaves out the body.
    const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
    const found = this.#tree.find(method, path);
    if (found === undefined) throw unrecognized(404);
    if (found === 'wrong-method') throw unrecognized(405, `This path does not support the method ${method}`);
    if (found.isMalformed) throw invalidParam('The path is not valid percent-encoded UTF-8');
    const params: Record<string, string> = {};
    for (let i = 0; i < found.names.length; i++) {
      const value = found.values[i] ?? '';
      if (value.length > PARAM_LENGTH_MAX)
        throw invalidParam(`A path segment has more than ${PARAM_LENGTH_MAX} characters`);
      params[found.names[i] ?? ''] = value;
    }
    const search = mark === -1 ? '' : target.slice(mark + 1);
    return new IncomingCall(found.value, { path, search, params }, exchange, this.#context);
  }

  async #serve(call: IncomingCall): Promise<void> {
    const { exchange } = call;
    const { clock, log } = this.#parts;
    const startMs = clock.elapsed();
    const { operation } = call.endpoint;
    let status: number;
    try {
      const answer = await this.#answer(call);
      const others = this.#ownAnswers(call);
      if (others !== undefined) await others;
      if (this.#context.isClosing) exchange.closeAfterwards();
      if (answer instanceof JsonPieces) status = await sendPieces(exchange, answer);
      else if (answer instanceof FileReply) status = await sendFile(exchange, answer);
      else status = sendAnswer(exchange, answer);
    } catch (error) {
      status = this.#refuse(error, operation, exchange);
    }
    call.end();
    const tookMs = clock.elapsed() - startMs;
    this.#seconds.observe(tookMs / 1000, { operation, status: `${status}` });
    if (log.isDebug) log.debug('request', { operation, status, tookMs: Math.round(tookMs * 10) / 10 });
  }

  /** Waits for the answers to the caller's other requests if the endpoint declares it. */
  #ownAnswers({ endpoint, caller, body }: IncomingCall): Promise<void> | undefined {
    const { ownRequestsFirst } = endpoint;
    if (ownRequestsFirst === undefined || caller === undefined) return undefined;
    if (ownRequestsFirst === 'unless-related' && isObject(body) && body['m.relates_to'] !== undefined) return undefined;
    return this.#parts.ownAnswers?.(caller.user);
  }

  async #answer(call: IncomingCall): Promise<Answer> {
    const { endpoint, exchange } = call;
    const { authenticate, rateLimits } = this.#parts;
    const bodyBytesMax = endpoint.bodyBytesMax ?? this.#parts.bodyBytesMax;
    if (endpoint.access === 'server') {
      await readSigned(call, authenticate.server, rateLimits, bodyBytesMax);
      return call.route.handle(call as unknown as Call);
    }
    const caller = findCaller(authenticate.user, exchange.header('authorization'), call);
    call.caller = caller instanceof Promise ? await caller : caller;
    if (call.caller?.isUnlimited !== true) rateLimits.take(endpoint.limit, call.limitKey);
    if (endpoint.query !== undefined) call.query = checkQuery(endpoint.query, call.parsedQuery);
    if (endpoint.body !== undefined) {
      const bytes = await readBody(exchange, bodyBytesMax);
      if (bytes.length > 0 || endpoint.bodyOptional !== 'repetition') {
        const body = parseBody(bytes, endpoint.bodyOptional === true);
        call.body = checkBody(endpoint.body, body, bytes.includes('null'));
      }
    }
    if (endpoint.bodyBytes === true) {
      exchange.isUpload = call.caller !== undefined;
      call.body = incomingBytes(exchange);
    }
    // A checked request gets the types of its endpoint only here, see `route`.
    return call.route.handle(call as unknown as Call);
  }

  #refuse(error: unknown, operation: string, exchange: Exchange): number {
    if (error instanceof MatrixError) return sendError(exchange, error);
    const { log } = this.#parts;
    // Errors that follow from a closed connection are not faults of the handler.
    if (error instanceof ClientGone || exchange.isGone) {
      log.debug('client disconnected', { operation });
      return 499;
    }
    if (error instanceof Unavailable && !exchange.hasBegun) {
      log.debug('service unavailable', { operation, reason: error.message });
      return sendError(exchange, serviceUnavailable(error.retryAfterMs, error.message));
    }
    this.#failures += 1;
    log.error('request failed', { operation, failure: this.#failures, error });
    if (exchange.hasBegun) {
      // The status has already been sent, so only a closed connection shows the client that the request failed.
      exchange.abort();
      return 500;
    }
    return sendError(exchange, unknown(`Internal server error (failure ${this.#failures} in the log of the server)`));
  }
}

/** Returns the body for handlers that process it as it arrives. */
function incomingBytes(exchange: Exchange): IncomingBytes {
  return { contentType: exchange.header('content-type'), length: exchange.bodyLength, receive: exchange.receive };
}
