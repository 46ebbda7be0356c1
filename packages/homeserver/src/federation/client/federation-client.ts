import { parseServerName, type ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { asString, type JsonObject } from '@hearth/protocol/json/value.ts';
import { authorizeRequest } from '@hearth/protocol/signing/request.ts';
import type { Clock } from '../../platform/clock.ts';
import { KeyedSlots } from '../../platform/concurrency/keyed-slots.ts';
import { NoSlot, Slots } from '../../platform/concurrency/slots.ts';
import { withinTime } from '../../platform/concurrency/within-time.ts';
import type { Counter, Metrics } from '../../platform/monitoring/metrics.ts';
import type { HttpsPool, HttpsRequest } from '../../platform/outbound/https-pool.ts';
import {
  AnswerOverLimit,
  type IncomingReply,
  isSuccess,
  OutboundError,
  tookTooLong,
} from '../../platform/outbound/reply.ts';
import type { Discovery } from '../discovery/discovery.ts';
import type { OwnKeys } from '../keys/own-keys.ts';
import type { Permits } from '../permits.ts';
import type { Destinations } from './destinations.ts';
import { FederationError } from './federation-error.ts';
import { ACCEPTED_ENCODING, readJson } from './read-json.ts';

/** A request to another server. */
export interface FederationRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** The path and query, percent-encoded. */
  readonly path: string;
  readonly content?: JsonObject;
  /** The body as canonical JSON, instead of `content`. */
  readonly contentText?: string;
  /** The time for the whole request, including the wait for other requests to the same server. */
  readonly timeoutMs?: number;
  readonly answerBytesMax?: number;
  /** The request is sent although the server did not answer lately, and needs no signature: it asks for its keys. */
  readonly isForKeys?: true;
  /** The request needs no signature. */
  readonly isUnsigned?: true;
}

/** A request whose answer is JSON, or a file that is read as it arrives. */
interface SentRequest extends FederationRequest {
  readonly isForFile?: true;
}

/** A function that runs a task when the limits of a server permit it. */
type RunInTurn = <T>(name: ServerName, task: () => Promise<T>) => Promise<T>;

export interface FederationClientParts {
  readonly ownKeys: OwnKeys;
  readonly permits: Permits;
  readonly discovery: Pick<Discovery, 'targetsOf'>;
  readonly pool: Pick<HttpsPool, 'send'>;
  readonly destinations: Destinations;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const ERROR_BYTES_MAX = 64 * 1024;
const REASON_CHARACTERS_MAX = 1_000;
const REQUESTS = { running: 200, waiting: 2_000 };
/** Servers that did not answer the last time have slots of their own, so that they do not hold up the others. */
const REQUESTS_TO_FAILING = { running: 50, waiting: 2_000 };
const REQUESTS_OF_SERVER = { running: 8, waiting: 100 };
/** The statuses of reverse proxies whose server does not answer, those of Cloudflare included. */
const DOWN: ReadonlySet<number> = new Set([502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530]);
/** The error codes of the specification for answers with a status of `DOWN`. */
const ANSWERED_WHEN_DOWN: ReadonlySet<string | undefined> = new Set(['M_NOT_YET_UPLOADED', 'M_TOO_LARGE']);

/** Sends requests to other servers. Nothing else in the program does. */
export class FederationClient {
  readonly #parts: FederationClientParts;
  readonly #requests: Counter;
  readonly #slots = new Slots(REQUESTS);
  readonly #failingSlots = new Slots(REQUESTS_TO_FAILING);
  readonly #serverSlots = new KeyedSlots<string>(REQUESTS_OF_SERVER);

  constructor(parts: FederationClientParts) {
    this.#parts = parts;
    const help = 'Requests to other servers';
    this.#requests = parts.metrics.counter('hearth_federation_requests_total', help, ['outcome']);
  }

  /** Sends a signed request. Returns the body of the answer. @throws FederationError */
  request(server: string, request: FederationRequest): Promise<JsonObject> {
    const bytesMax = request.answerBytesMax ?? ANSWER_BYTES_MAX;
    return this.#attempt(server, request, this.#inTurn, (reply) => readAnswer(server, reply, bytesMax));
  }

  /**
   * Sends a request for a file. Returns the answer when its head has arrived; the time of the request ends then. The
   * caller reads or closes the answer, and limits the number of requests, because a download may take long.
   * @throws FederationError
   */
  requestFile(server: string, request: FederationRequest): Promise<IncomingReply> {
    const sent: SentRequest = { ...request, isForFile: true };
    return this.#attempt(server, sent, atOnce, (reply) => Promise.resolve(reply));
  }

  async #attempt<T>(
    server: string,
    request: SentRequest,
    runInTurn: RunInTurn,
    read: (reply: IncomingReply) => Promise<T>,
  ): Promise<T> {
    const { destinations, clock } = this.#parts;
    const name = this.#check(server);
    if (request.isForKeys !== true && destinations.waitMs(name) > 0)
      throw new FederationError('backing-off', `${name} did not answer lately`);
    const begunAtMs = clock.elapsed();
    let isSent = false;
    try {
      const ask = (signal: AbortSignal) =>
        runInTurn(name, async () => {
          isSent = true;
          return read(await this.#exchange(name, request, signal));
        });
      const answer = await withinTime(clock, request.timeoutMs ?? TIMEOUT_MS, ask, tookTooLong);
      destinations.alive(name);
      this.#requests.add(1, { outcome: 'answered' });
      return answer;
    } catch (error) {
      const failure = failureOf(name, error);
      this.#requests.add(1, { outcome: failure.kind });
      if (failure.kind === 'no-answer' && isSent) destinations.failed(name, begunAtMs, failure.message);
      else if (failure.kind === 'refused' || failure.kind === 'over-limit') destinations.alive(name);
      throw failure;
    }
  }

  #check(server: string): ServerName {
    const { permits, ownKeys } = this.#parts;
    const name = parseServerName(server);
    if (name === undefined || name === ownKeys.serverName)
      throw new FederationError('not-permitted', `${server} is not the name of another server`);
    if (!permits.allows(name)) throw new FederationError('not-permitted', `the configuration does not permit ${name}`);
    return name;
  }

  /** Runs a task when the limits for the server and for all servers permit it. @throws NoSlot */
  readonly #inTurn: RunInTurn = (name, task) => {
    const slots = this.#parts.destinations.isFailing(name) ? this.#failingSlots : this.#slots;
    return this.#serverSlots.run(name, () => slots.run(task));
  };

  /** Returns the answer of a server that has accepted the request. */
  async #exchange(name: ServerName, request: SentRequest, signal: AbortSignal): Promise<IncomingReply> {
    if (signal.aborted) throw new OutboundError('the request waited too long');
    const reply = await this.#send(name, request, signal);
    if (isSuccess(reply)) return reply;
    const { errcode, reason } = await readError(reply);
    if (DOWN.has(reply.status) && !ANSWERED_WHEN_DOWN.has(errcode)) throw unusable(name, reply);
    throw new FederationError('refused', `${name} has answered ${reply.status}`, {
      status: reply.status,
      ...(errcode !== undefined && { errcode }),
      ...(reason !== undefined && { reason }),
    });
  }

  /** Sends a request to the first target of a server that can be connected to. */
  async #send(name: ServerName, request: SentRequest, signal: AbortSignal): Promise<IncomingReply> {
    const { discovery, pool } = this.#parts;
    const sent = this.#prepare(name, request);
    let failure: OutboundError | undefined;
    for (const target of await discovery.targetsOf(name)) {
      if (signal.aborted) break;
      try {
        return await pool.send(target, sent, signal);
      } catch (error) {
        if (!(error instanceof OutboundError && error.isUnsent)) throw error;
        failure = error;
      }
    }
    throw failure ?? new OutboundError(`${name} has no address`);
  }

  #prepare(name: ServerName, request: SentRequest): HttpsRequest {
    const { serverName, signingKey } = this.#parts.ownKeys;
    const { method, path, content, contentText, isForKeys, isUnsigned, isForFile } = request;
    const body = contentText ?? (content === undefined ? undefined : JSON.stringify(content));
    const headers = isForFile === true ? {} : { 'accept-encoding': ACCEPTED_ENCODING };
    if (isForKeys === true || isUnsigned === true) return { method, path, headers, body };
    const signed = { method, uri: path, origin: serverName, destination: name, content, contentText };
    return { method, path, headers: { ...headers, authorization: authorizeRequest(signed, signingKey) }, body };
  }
}

const atOnce: RunInTurn = (_name, task) => task();

/** Returns the error code and text of an answer, if it has some that this server accepts. */
async function readError(reply: IncomingReply): Promise<{ errcode?: string | undefined; reason?: string | undefined }> {
  try {
    const body = await readJson(reply, ERROR_BYTES_MAX);
    return { errcode: asString(body?.errcode), reason: asString(body?.error)?.slice(0, REASON_CHARACTERS_MAX) };
  } catch (error) {
    if (error instanceof AnswerOverLimit) return {};
    throw error;
  }
}

async function readAnswer(server: string, reply: IncomingReply, bytesMax: number): Promise<JsonObject> {
  try {
    const body = await readJson(reply, bytesMax);
    if (body !== undefined) return body;
  } catch (error) {
    if (!(error instanceof AnswerOverLimit)) throw error;
    // Users of the other server decide on the length and depth of some answers, so that such an answer must not count
    // as a failure of their server.
    throw new FederationError('over-limit', `${server}: ${error.message}`);
  }
  throw unusable(server, reply);
}

function unusable(server: string, { status }: IncomingReply): FederationError {
  return new FederationError('no-answer', `${server} has answered ${status} without a usable body`);
}

function failureOf(name: string, error: unknown): FederationError {
  if (error instanceof FederationError) return error;
  if (error instanceof NoSlot) return new FederationError('busy', `too many requests to ${name} are waiting`);
  if (error instanceof OutboundError) return new FederationError('no-answer', `${name}: ${error.message}`);
  throw error;
}
