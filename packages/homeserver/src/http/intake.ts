import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import type { Clock, Timer } from '../platform/clock.ts';

/** The error for a client that closed the connection before its request was complete. */
export class ClientGone extends Error {}

type Take = Parameters<IncomingBytes['receive']>[0];

/** The source of the chunks. */
interface Flow {
  pause(): unknown;
  resume(): unknown;
}

/** A rule for the speed at which a body must arrive. */
export interface Pace {
  readonly periodMs: number;
  /** The minimum number of bytes in each period. `undefined`: the whole body must arrive in the first period. */
  readonly bytesMin: number | undefined;
  /** Creates the error for a body that arrives too slowly. */
  readonly tooSlow: () => Error;
}

/** Passes the chunks of a body to `take`, one after the other. After a failure the rest is discarded. */
export class Intake {
  readonly #take: Take;
  readonly #flow: Flow;
  readonly #whole = Promise.withResolvers<void>();
  #taking: Promise<void> | undefined;
  #isOver = false;
  #timer: Timer | undefined;
  #bytes = 0;

  constructor(take: Take, flow: Flow) {
    this.#take = take;
    this.#flow = flow;
  }

  /**
   * Settles when the whole body has been processed. @throws the error that `take` throws; ClientGone; the error of
   * `Pace.tooSlow`
   */
  get whole(): Promise<void> {
    return this.#whole.promise;
  }

  /** Fails the body when it arrives more slowly than `pace` allows. */
  guard(clock: Clock, pace: Pace): void {
    const before = this.#bytes;
    this.#timer = clock.after(pace.periodMs, () => {
      const isEnough = pace.bytesMin !== undefined && this.#bytes - before >= pace.bytesMin;
      // Time in which the server processes a chunk does not count against the client.
      if (isEnough || (pace.bytesMin !== undefined && this.#taking !== undefined)) this.guard(clock, pace);
      else this.#fail(pace.tooSlow());
    });
  }

  arrive(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#bytes += chunk.length;
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

  /** Ends the body after the last chunk. */
  end(): void {
    this.#timer?.cancel();
    const done = () => {
      this.#isOver = true;
      this.#whole.resolve();
    };
    if (this.#taking === undefined) done();
    else this.#taking.then(done, () => undefined);
  }

  /** Fails the body because the client has closed the connection. */
  cut(): void {
    this.#fail(new ClientGone());
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#taking = undefined;
    this.#flow.resume();
    this.#whole.reject(error);
  }
}
