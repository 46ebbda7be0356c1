import type { IncomingBytes } from '@hearth/api/endpoint.ts';

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGone extends Error {}

type Take = Parameters<IncomingBytes['receive']>[0];

/** Where chunks come from. */
interface Flow {
  pause(): unknown;
  resume(): unknown;
}

/** Hands the chunks of a body to whoever takes them, one after the other. After a failure what still comes is dropped. */
export class Intake {
  readonly #take: Take;
  readonly #flow: Flow;
  readonly #whole = Promise.withResolvers<void>();
  #taking: Promise<void> | undefined;
  #isOver = false;

  constructor(take: Take, flow: Flow) {
    this.#take = take;
    this.#flow = flow;
  }

  /** Settles when the whole body has been taken. @throws what `take` throws; ClientGone */
  get whole(): Promise<void> {
    return this.#whole.promise;
  }

  /** The next chunk has to wait. */
  get isTaking(): boolean {
    return this.#taking !== undefined;
  }

  arrive(chunk: Buffer): void {
    if (this.#isOver) return;
    try {
      this.#taking = this.#take(chunk);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#taking === undefined) return;
    this.#flow.pause();
    const taken = () => {
      this.#taking = undefined;
      this.#flow.resume();
    };
    this.#taking.then(taken, (error: unknown) => this.#fail(error));
  }

  /** The last chunk has arrived. */
  end(): void {
    const done = () => {
      this.#isOver = true;
      this.#whole.resolve();
    };
    if (this.#taking === undefined) done();
    else this.#taking.then(done, () => undefined);
  }

  /** The client has gone before the end. */
  cut(): void {
    this.#fail(new ClientGone());
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#taking = undefined;
    this.#flow.resume();
    this.#whole.reject(error);
  }
}
