import type { Socket } from 'node:net';
import { type AnswerHeaders, type Exchange, KEEP_ALIVE_MS } from '../exchange.ts';
import { headerLines } from '../header-lines.ts';
import { STATUS_CODES } from '../node-http.ts';
import { ArrivingBody } from './arriving-body.ts';
import type { RequestHead } from './head.ts';

/** What a connection lends to the request that is on it. */
export interface Line {
  readonly socket: Socket;
  /** The value of `Date`. */
  date(): string;
  /** Called once the exchange has nothing more to send or to read. */
  readonly done: () => void;
}

const written = new WeakMap<readonly string[], string>();

/** The lines of headers that many answers have. */
function sharedLines(headers: readonly string[]): string {
  const known = written.get(headers);
  if (known !== undefined) return known;
  const text = headerLines(headers);
  written.set(headers, text);
  return text;
}

/** An ordinary request, answered on the socket that it came from. */
export class PlainExchange implements Exchange {
  readonly method: string;
  readonly target: string;
  readonly bodyLength: number;
  readonly bodyAtHand: Buffer | undefined;
  isGone = false;
  hasBegun = false;
  /** Answered as a whole, or never to be. */
  isOver = false;
  /** The connection ends after the answer. */
  isLast = false;
  /** The body, if it did not come with the head. */
  readonly #body: ArrivingBody | undefined;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #line: Line;
  readonly #listeners: ((isAnswered: boolean) => void)[] = [];
  /** The head of the answer, until the first byte of its body goes with it. */
  #head = '';
  #written: (() => void) | undefined;

  constructor(head: RequestHead, chunk: Buffer, line: Line) {
    this.method = head.method;
    this.target = head.target;
    this.#headers = head.headers;
    this.bodyLength = head.bodyLength;
    this.#line = line;
    const { bodyLength, end } = head;
    if (bodyLength === 0) return;
    if (chunk.length - end >= bodyLength) this.bodyAtHand = chunk.subarray(end, end + bodyLength);
    else this.#body = new ArrivingBody(line.socket, bodyLength, chunk.subarray(end));
  }

  get peer(): string {
    return this.#line.socket.remoteAddress ?? '';
  }

  /** Its body, as long as something of it is still to come. */
  get arriving(): ArrivingBody | undefined {
    return this.#body?.isComplete === false ? this.#body : undefined;
  }

  header(name: string): string | undefined {
    return this.#headers[name];
  }

  readonly receive: Exchange['receive'] = async (take) => {
    if (this.#body !== undefined) return this.#body.receive(take);
    if (this.bodyAtHand !== undefined) await take(this.bodyAtHand);
  };

  whenOver(listener: (isAnswered: boolean) => void): void {
    this.#listeners.push(listener);
  }

  closeAfterwards(): void {
    this.isLast = true;
  }

  abort(): void {
    this.#line.socket.destroy();
  }

  /** @throws TypeError for a header that must not be sent */
  begin(status: number, { shared, own }: AnswerHeaders): void {
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${sharedLines(shared)}${headerLines(own)}`;
    const keep = this.isLast
      ? 'Connection: close'
      : `Connection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_MS / 1000}`;
    this.#head = `${head}Date: ${this.#line.date()}\r\n${keep}\r\n\r\n`;
    this.hasBegun = true;
  }

  send(status: number, headers: AnswerHeaders, body: string, encoding: 'latin1' | 'utf8'): void {
    if (this.isGone) return;
    this.begin(status, headers);
    const { socket } = this.#line;
    if (encoding === 'latin1') {
      socket.write(this.#head + body, 'latin1', this.#sent);
    } else {
      socket.cork();
      socket.write(this.#head, 'latin1');
      socket.write(body, 'utf8', this.#sent);
      socket.uncork();
    }
    this.arriving?.discard();
  }

  write(chunk: Buffer, isLast: boolean): Promise<void> {
    return new Promise((resolve) => {
      if (this.isGone) return resolve();
      const { socket } = this.#line;
      this.#written = resolve;
      socket.cork();
      if (this.#head !== '') socket.write(this.#head, 'latin1');
      this.#head = '';
      socket.write(chunk, (error) => {
        resolve();
        if (isLast) this.#sent(error);
      });
      socket.uncork();
      if (isLast) this.arriving?.discard();
    });
  }

  /** The connection is closed. */
  cut(): void {
    this.isGone = true;
    this.#body?.cut();
    this.#written?.();
    this.#end(false);
  }

  readonly #sent = (error?: Error | null): void => {
    // What could not be sent ends with the connection.
    if (error || this.isGone) return;
    this.#end(true);
    this.#line.done();
  };

  #end(isAnswered: boolean): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const listener of this.#listeners) listener(isAnswered);
  }
}
