import type { IncomingMessage, ServerResponse } from 'node:http';
import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { unknown } from '@hearth/protocol/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { onStall } from '../platform/monitoring/stall.ts';
import { ClientGone, Intake, type Pace } from './intake.ts';
import { STATUS_CODES } from './listeners/node-http.ts';
import type { Timeouts } from './listeners/timeouts.ts';

/** The maximum length of a refused body that is read and discarded, so that the client can read the answer. */
export const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;

/** The headers of an answer. Names and values alternate. */
export interface AnswerHeaders {
  /** Headers that many answers have in common. */
  readonly shared: readonly string[];
  readonly own: readonly string[];
}

/** The time limits for clients, and their clock. */
export interface ClientTimeLimits {
  readonly clock: Clock;
  readonly timeouts: Timeouts;
}

/** A request and its answer. The rest of this folder sees `node:http` only through this class. */
export class Exchange {
  readonly method: string;
  /** The path and query as they were sent. */
  readonly target: string;
  /** The announced length of the body in bytes: 0 without a body, `undefined` if the length is unknown. */
  readonly bodyLength: number | undefined;
  /** Whether the body may take long: an upload of an authenticated caller. */
  isUpload = false;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #timeLimits: ClientTimeLimits;

  constructor(request: IncomingMessage, response: ServerResponse, timeLimits: ClientTimeLimits) {
    this.#request = request;
    this.#response = response;
    this.#timeLimits = timeLimits;
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '/';
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    this.bodyLength = encoding === undefined ? Number(length ?? 0) : undefined;
  }

  /** The address of the other end of the connection. */
  get peer(): string {
    return this.#request.socket.remoteAddress ?? '';
  }

  /** Returns a header's value by its name in lower case. */
  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return typeof value === 'object' ? value.join(', ') : value;
  }

  /** Returns the values of a header that may be repeated, by its name in lower case. */
  headers(name: string): readonly string[] {
    return this.#request.headersDistinct[name] ?? [];
  }

  /**
   * Passes the chunks of the body to `take` as they arrive, see `IncomingBytes`. After a failure the rest of the body
   * is discarded.
   * @throws the error that `take` throws; ClientGone; MatrixError 408 when the body arrives too slowly
   */
  readonly receive: IncomingBytes['receive'] = async (take) => {
    // A request without a body may never emit `end`: see the option `optimizeEmptyRequests`.
    if (this.bodyLength === 0) return;
    const request = this.#request;
    if (request.destroyed) throw new ClientGone();
    const intake = new Intake(take, request);
    request.on('data', (chunk: Buffer) => intake.arrive(chunk));
    request.on('end', () => intake.end());
    request.on('error', () => intake.cut());
    request.on('close', () => {
      if (!request.complete) intake.cut();
    });
    if (!request.complete) intake.guard(this.#timeLimits.clock, this.#pace());
    return intake.whole;
  };

  /** Whether the client has closed the connection. */
  get isGone(): boolean {
    return this.#response.destroyed;
  }

  /** Whether the head of the answer has been sent. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** Calls `listener` once, when the whole answer was sent or the client has closed the connection. */
  whenOver(listener: (isAnswered: boolean) => void): void {
    this.#response.once('close', () => listener(this.#response.writableFinished));
  }

  /** Sends an answer. `encoding` is the encoding of `body`. */
  send(status: number, headers: AnswerHeaders, body: string, encoding: 'latin1' | 'utf8'): void {
    const response = this.#response;
    this.begin(status, headers);
    response.end(body, encoding);
    if (response.writableLength > 0) this.#awaitReader();
    this.#discardRest();
  }

  /** Sends the head of an answer, for `write` to send the rest. */
  begin(status: number, { shared, own }: AnswerHeaders): void {
    // The reason is set explicitly. Otherwise, an earlier head that Node refused would leave its reason.
    this.#response.writeHead(status, STATUS_CODES[status] ?? '', shared.concat(own));
  }

  /**
   * Sends a chunk. Resolves when the chunk was sent or the client has closed the connection; only then may its memory
   * be reused.
   */
  write(chunk: Buffer, isLast: boolean): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      if (response.destroyed) return resolve();
      const done = () => {
        limit?.cancel();
        response.off('close', done);
        resolve();
      };
      response.once('close', done);
      if (isLast) response.end(chunk, done);
      else response.write(chunk, done);
      const limit = response.writableLength > 0 ? this.#limitWriting() : undefined;
      if (isLast) this.#discardRest();
    });
  }

  /** Closes the connection after the answer. */
  closeAfterwards(): void {
    this.#response.shouldKeepAlive = false;
  }

  /** Cuts the connection. */
  abort(): void {
    this.#response.destroy();
  }

  #pace(): Pace {
    const { bodyMs, uploadPeriodMs, uploadBytesMin } = this.#timeLimits.timeouts;
    const tooSlow = () => {
      this.closeAfterwards();
      return unknown('The body took too long to arrive', 408);
    };
    return this.isUpload
      ? { periodMs: uploadPeriodMs, bytesMin: uploadBytesMin, tooSlow }
      : { periodMs: bodyMs, bytesMin: undefined, tooSlow };
  }

  /** Cuts the connection unless the whole answer is sent in time, and sooner if no byte is sent. */
  #awaitReader(): void {
    const response = this.#response;
    const limit = this.#limitWriting();
    response.once('close', () => limit.cancel());
    onStall(response, this.#timeLimits.timeouts.writeMs, () => this.abort());
  }

  /** Cuts the connection unless the waiting bytes are sent at the minimum rate. */
  #limitWriting() {
    const { clock, timeouts } = this.#timeLimits;
    const atMinimumRateMs = (this.#response.writableLength / timeouts.writeBytesPerSecond) * 1000;
    return clock.after(timeouts.writeMs + atMinimumRateMs, () => this.abort());
  }

  /** Reads the rest of the body up to a limit and discards it, so that the client can read the answer. */
  #discardRest(): void {
    const request = this.#request;
    if (request.complete) return;
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > DISCARDED_BYTES_MAX) request.destroy();
    });
    const { clock, timeouts } = this.#timeLimits;
    const limit = clock.after(timeouts.discardMs, () => request.destroy());
    request.once('close', () => limit.cancel());
  }
}
