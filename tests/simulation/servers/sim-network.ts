import type { HttpsRequest, HttpsTarget } from '../../../packages/homeserver/src/platform/outbound/https-pool.ts';
import { type IncomingReply, OutboundError } from '../../../packages/homeserver/src/platform/outbound/reply.ts';
import type { Dice } from '../../support/dice.ts';
import type { SimClock } from '../sim-clock.ts';

/** An answer of a server: a status and JSON text. */
export interface NetworkAnswer {
  readonly status: number;
  readonly text: string;
}

/** A function that lets a server answer a request; rejects if its process ends before the answer. */
export type Receive = (request: HttpsRequest) => Promise<NetworkAnswer>;

/** The probabilities of faults of the network, and its delays. */
export interface NetworkFaults {
  readonly delayMsMax: number;
  readonly loss: number;
  readonly duplication: number;
}

const NO_FAULTS: NetworkFaults = { delayMsMax: 50, loss: 0, duplication: 0 };
/** The time until a connection through a partition fails. */
const CONNECT_MS = 5_000;

/**
 * The network between simulated servers. Requests and answers are delayed, lost, repeated and overtake each other, and
 * partitions separate servers. The seed decides all of it.
 */
export class SimNetwork {
  faults: NetworkFaults = NO_FAULTS;
  readonly #clock: SimClock;
  readonly #dice: Dice;
  readonly #servers = new Map<string, Receive>();
  /** The side of each server in the current partition. */
  #sides = new Map<string, number>();

  constructor(clock: SimClock, dice: Dice) {
    this.#clock = clock;
    this.#dice = dice;
  }

  connect(name: string, receive: Receive): void {
    this.#servers.set(name, receive);
  }

  disconnect(name: string): void {
    this.#servers.delete(name);
  }

  /** Separates the servers into two sides. */
  separate(): string {
    this.#sides = new Map([...this.#servers.keys()].map((name) => [name, this.#dice.below(2)]));
    return JSON.stringify(Object.fromEntries(this.#sides));
  }

  /** Ends the partition and, if asked to, all faults. */
  heal(isPerfect = false): void {
    this.#sides.clear();
    if (isPerfect) this.faults = NO_FAULTS;
  }

  /** Returns the network as one server sees it. */
  of(origin: string) {
    return {
      send: (target: HttpsTarget, request: HttpsRequest, signal: AbortSignal) =>
        untilAborted(this.#send(origin, target.hostHeader, request), signal),
      close: () => undefined,
    };
  }

  async #send(origin: string, name: string, request: HttpsRequest): Promise<IncomingReply> {
    const isRepeated = this.#dice.chance(this.faults.duplication);
    const isLost = this.#dice.chance(this.faults.loss);
    const isAnswerLost = this.#dice.chance(this.faults.loss);
    await this.#delay();
    if (!this.#isReachable(origin, name)) {
      await this.#wait(CONNECT_MS);
      throw new OutboundError('no connection', false, true);
    }
    if (isLost) throw new OutboundError('the connection was closed');
    if (isRepeated) void this.#repeat(name, request);
    const answer = await this.#receive(name, request);
    await this.#delay();
    if (isAnswerLost || !this.#isReachable(origin, name)) throw new OutboundError('the connection was closed');
    return replyOf(answer);
  }

  /** Delivers a request again, some time later. Nobody gets the answer. */
  async #repeat(name: string, request: HttpsRequest): Promise<void> {
    await this.#delay();
    await this.#receive(name, request).catch(() => undefined);
  }

  async #receive(name: string, request: HttpsRequest): Promise<NetworkAnswer> {
    const receive = this.#servers.get(name);
    if (receive === undefined) throw new OutboundError('no connection', false, true);
    return receive(request);
  }

  #isReachable(origin: string, name: string): boolean {
    const [one = 0, other = 0] = [this.#sides.get(origin), this.#sides.get(name)];
    return this.#servers.has(name) && this.#servers.has(origin) && one === other;
  }

  #delay(): Promise<void> {
    return this.#wait(this.#dice.between(0, this.faults.delayMsMax));
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new OutboundError('the answer took too long')));
    promise.then(resolve, reject);
  });
}

function replyOf({ status, text }: NetworkAnswer): IncomingReply {
  const bytes = Buffer.from(text);
  return {
    status,
    contentType: 'application/json',
    length: bytes.byteLength,
    header: (name) => (name === 'content-type' ? 'application/json' : undefined),
    async *chunks() {
      yield bytes;
    },
    async receive(take) {
      await take(bytes);
    },
    close: () => undefined,
  };
}
