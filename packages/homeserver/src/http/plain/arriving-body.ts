import type { Socket } from 'node:net';
import { ClientGone, type Exchange } from '../exchange.ts';

type Take = Parameters<Exchange['receive']>[0];

/** A body that did not arrive with its head. Nothing more is read until somebody takes it or throws it away. */
export class ArrivingBody {
  readonly #socket: Socket;
  #left: number;
  /** What came with the head. */
  #first: Buffer;
  #take: Take | undefined;
  #taking: Promise<void> | undefined;
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  constructor(socket: Socket, length: number, first: Buffer) {
    this.#socket = socket;
    this.#left = length;
    this.#first = first;
    socket.pause();
  }

  get isComplete(): boolean {
    return this.#left === 0;
  }

  /** See `Exchange.receive`. */
  receive(take: Take): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) throw new ClientGone();
      this.#settle = { resolve, reject };
      this.#take = take;
      this.#begin();
    });
  }

  /** Throws away what has not been taken. */
  discard(): void {
    this.#take = undefined;
    if (this.#settle === undefined) this.#begin();
  }

  /** Takes the body's part of a chunk. @returns how many bytes of it that was */
  arrive(chunk: Buffer): number {
    const part = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#left -= part.length;
    try {
      this.#taking = this.#take?.(part);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#taking !== undefined) this.#wait(this.#taking);
    else if (this.#left === 0) this.#settle?.resolve();
    return part.length;
  }

  /** The client has gone. */
  cut(): void {
    if (this.#left > 0) this.#settle?.reject(new ClientGone());
  }

  #begin(): void {
    const first = this.#first;
    this.#first = first.subarray(0, 0);
    if (first.length > 0) this.arrive(first);
    if (this.#taking === undefined) this.#socket.resume();
  }

  #wait(taking: Promise<void>): void {
    this.#socket.pause();
    const go = () => {
      this.#taking = undefined;
      if (this.#left === 0) this.#settle?.resolve();
      this.#socket.resume();
    };
    taking.then(go, (error: unknown) => {
      this.#fail(error);
      go();
    });
  }

  #fail(error: unknown): void {
    this.#take = undefined;
    this.#taking = undefined;
    this.#settle?.reject(error);
  }
}
