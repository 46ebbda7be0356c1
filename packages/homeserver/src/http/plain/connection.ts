import type { Socket } from 'node:net';
import { type Exchange, KEEP_ALIVE_MS, REQUEST_MS } from '../exchange.ts';
import { type Line, PlainExchange } from './exchange.ts';
import { readHead } from './head.ts';

/** What all connections have in common. */
export interface Connections {
  readonly serve: (exchange: Exchange) => void;
  date(): string;
  elapsed(): number;
  /** Gives a socket to `node:http`. */
  handOver(socket: Socket): void;
  /** Of those that have not been handed over or closed. */
  readonly open: Set<PlainConnection>;
}

/** Reads one request after the other as long as they are ordinary. */
export class PlainConnection implements Line {
  readonly socket: Socket;
  readonly #shared: Connections;
  #exchange: PlainExchange | undefined;
  /** What came behind the request that is under way, before that was answered. */
  #ahead: Buffer | undefined;
  /** When it was last seen to do something, see `Clock.elapsed`. */
  #since: number;

  constructor(socket: Socket, shared: Connections) {
    this.socket = socket;
    this.#shared = shared;
    this.#since = shared.elapsed();
    shared.open.add(this);
    socket.on('data', this.#read).on('end', this.#end).on('error', this.#fail).on('close', this.#close);
  }

  date(): string {
    return this.#shared.date();
  }

  /** Whether it has waited for too long, for a request or for the rest of one. */
  get isOverdue(): boolean {
    const waitedMs = this.#shared.elapsed() - this.#since;
    if (this.#exchange === undefined) return waitedMs > KEEP_ALIVE_MS;
    return this.#exchange.arriving !== undefined && waitedMs > REQUEST_MS;
  }

  readonly done = (): void => {
    const exchange = this.#exchange;
    if (exchange === undefined || !exchange.isOver || exchange.arriving !== undefined) return;
    this.#exchange = undefined;
    this.#since = this.#shared.elapsed();
    if (exchange.isLast) this.socket.end();
    else if (this.#ahead !== undefined) this.#handOver(this.#ahead);
  };

  readonly #read = (chunk: Buffer): void => {
    const body = this.#exchange?.arriving;
    if (this.#exchange === undefined) this.#begin(chunk);
    else if (body === undefined) this.#hold(chunk);
    else {
      const length = body.arrive(chunk);
      if (length < chunk.length) this.#hold(chunk.subarray(length));
      this.done();
    }
  };

  #begin(chunk: Buffer): void {
    const head = readHead(chunk);
    if (head === undefined || chunk.length > head.end + head.bodyLength) {
      this.#handOver(chunk);
      return;
    }
    this.#since = this.#shared.elapsed();
    const exchange = new PlainExchange(head, chunk, this);
    this.#exchange = exchange;
    this.#shared.serve(exchange);
  }

  /** Keeps what comes too early, which few clients send. */
  #hold(chunk: Buffer): void {
    this.#ahead = this.#ahead === undefined ? chunk : Buffer.concat([this.#ahead, chunk]);
    this.socket.pause();
  }

  /** Nothing is lost: what was read goes back to where it came from. */
  #handOver(chunk: Buffer): void {
    const { socket } = this;
    this.#shared.open.delete(this);
    socket.off('data', this.#read).off('end', this.#end).off('error', this.#fail).off('close', this.#close);
    socket.pause();
    socket.unshift(chunk);
    this.#shared.handOver(socket);
    socket.resume();
  }

  /** Who sends no more does not wait for an answer either: `node:http` sees it so as well. */
  readonly #end = (): void => {
    this.#exchange?.cut();
    this.socket.end();
  };

  readonly #fail = (): void => {
    this.socket.destroy();
  };

  readonly #close = (): void => {
    this.#shared.open.delete(this);
    this.#exchange?.cut();
  };
}
