import type { Socket } from 'node:net';
import { ClientGone } from '../exchange.ts';
import { Intake, type Take } from '../intake.ts';

/** A body that did not arrive with its head. Nothing more is read until somebody takes it or throws it away. */
export class ArrivingBody {
  readonly #socket: Socket;
  #left: number;
  /** What came with the head. */
  #first: Buffer;
  #intake: Intake | undefined;

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
  async receive(take: Take): Promise<void> {
    if (this.#socket.destroyed) throw new ClientGone();
    this.#intake = new Intake(take, this.#socket);
    this.#begin();
    return this.#intake.whole;
  }

  /** Throws away what nobody has taken. */
  discard(): void {
    if (this.#intake === undefined) this.#begin();
  }

  /** Takes the body's part of a chunk. @returns how many bytes of it that was */
  arrive(chunk: Buffer): number {
    const part = chunk.length > this.#left ? chunk.subarray(0, this.#left) : chunk;
    this.#left -= part.length;
    this.#intake?.arrive(part);
    if (this.#left === 0) this.#intake?.end();
    return part.length;
  }

  /** The client has gone. */
  cut(): void {
    if (this.#left > 0) this.#intake?.cut();
  }

  #begin(): void {
    const first = this.#first;
    this.#first = first.subarray(0, 0);
    if (first.length > 0) this.arrive(first);
    if (this.#intake?.isTaking !== true) this.#socket.resume();
  }
}
