import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AnswerHeaders, ClientGone, DISCARDED_BYTES_MAX, type Exchange } from './exchange.ts';
import { Intake } from './intake.ts';

/** A request that `node:http` has read. */
export class NodeExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly bodyLength: number | undefined;
  readonly bodyAtHand = undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? 'GET';
    this.target = request.url ?? '/';
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    this.bodyLength = encoding === undefined ? Number(length ?? 0) : undefined;
  }

  get peer(): string {
    return this.#request.socket.remoteAddress ?? '';
  }

  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return typeof value === 'object' ? value.join(', ') : value;
  }

  readonly receive: Exchange['receive'] = async (take) => {
    // A request without a body may never say a word, not even that it is at its end: see `optimizeEmptyRequests`.
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
    return intake.whole;
  };

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  whenOver(listener: (isAnswered: boolean) => void): void {
    this.#response.once('close', () => listener(this.#response.writableFinished));
  }

  send(status: number, headers: AnswerHeaders, body: string, encoding: 'latin1' | 'utf8'): void {
    this.begin(status, headers);
    this.#response.end(body, encoding);
    this.#discardRest();
  }

  begin(status: number, { shared, own }: AnswerHeaders): void {
    this.#response.writeHead(status, shared.concat(own));
  }

  write(chunk: Buffer, isLast: boolean): Promise<void> {
    const response = this.#response;
    return new Promise((resolve) => {
      if (response.destroyed) return resolve();
      const done = () => {
        response.off('close', done);
        resolve();
      };
      response.once('close', done);
      if (isLast) response.end(chunk, done);
      else response.write(chunk, done);
      if (isLast) this.#discardRest();
    });
  }

  closeAfterwards(): void {
    this.#response.shouldKeepAlive = false;
  }

  abort(): void {
    this.#response.destroy();
  }

  /** Reads past what still comes of the body, so that the client gets to read the answer; not without end. */
  #discardRest(): void {
    const request = this.#request;
    if (request.complete) return;
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > DISCARDED_BYTES_MAX) request.destroy();
    });
  }
}
