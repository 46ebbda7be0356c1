import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, every, httpDate, type Timer } from '../../platform/clock.ts';
import type { Exchange } from '../exchange.ts';
import { type Connections, PlainConnection } from './connection.ts';

const SWEEP_MS = 15_000;

/**
 * Stands before `node:http` and answers ordinary requests itself, see docs/decisions/0011-plain-requests.md. Whatever is
 * not ordinary goes to `node:http`, together with all that the same connection brings afterwards.
 */
export class PlainGate {
  readonly #serve: (exchange: Exchange) => void;
  readonly #clock: Clock;
  readonly #open = new Set<PlainConnection>();
  readonly #sweep: Timer;
  #date = '';
  #dateSecond = Number.NaN;

  constructor(serve: (exchange: Exchange) => void, clock: Clock) {
    this.#serve = serve;
    this.#clock = clock;
    this.#sweep = every(clock, SWEEP_MS, () => this.#endWaiting());
  }

  /** Takes the place of `server`'s own listener for connections, which gets what is handed over. */
  standBefore(server: Server, event: 'connection' | 'secureConnection'): void {
    const listeners = server.listeners(event);
    server.removeAllListeners(event);
    const shared: Connections = {
      serve: this.#serve,
      date: () => this.#httpDate(),
      elapsed: () => this.#clock.elapsed(),
      handOver: (socket) => {
        for (const listener of listeners) listener.call(server, socket);
      },
      open: this.#open,
    };
    server.on(event, (socket: Socket) => new PlainConnection(socket, shared));
  }

  /** Cuts every connection that was not handed over. */
  close(): void {
    this.#sweep.cancel();
    for (const { socket } of this.#open) socket.destroy();
  }

  #endWaiting(): void {
    for (const connection of this.#open) if (connection.isOverdue) connection.socket.destroy();
  }

  #httpDate(): string {
    const now = this.#clock.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#date = httpDate(now);
    }
    return this.#date;
  }
}
