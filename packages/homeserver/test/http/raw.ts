import { connect, type Socket } from 'node:net';
import { sleep, systemClock } from '../../src/platform/clock.ts';

/** A connection on which a test writes arbitrary bytes. */
export class RawConnection {
  readonly socket: Socket;
  readonly opened: Promise<void>;
  #received = '';
  #isEnded = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname).setNoDelay(true);
    this.opened = new Promise((resolve) => this.socket.once('connect', resolve));
    this.socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text;
    });
    this.socket.on('end', () => {
      this.#isEnded = true;
    });
    this.socket.on('error', () => {
      this.#isEnded = true;
    });
  }

  write(bytes: string | Buffer): void {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
  }

  /** Returns the received bytes when no more arrive for a while, without the values of `Date` headers. */
  async settled(quietMs: number): Promise<{ received: string; isEnded: boolean }> {
    for (let before = -1; before !== this.#received.length; ) {
      before = this.#received.length;
      await sleep(systemClock, quietMs);
    }
    return { received: this.#received.replaceAll(/\r\nDate: [^\r]*/g, '\r\nDate: -'), isEnded: this.#isEnded };
  }

  /** Waits until a number of answers have arrived. */
  async answers(count: number): Promise<string> {
    for (let waited = 0; waited < 5000; waited += 5) {
      if (this.#received.split('HTTP/1.1 ').length > count) break;
      await sleep(systemClock, 5);
    }
    return (await this.settled(10)).received;
  }

  close(): void {
    this.socket.destroy();
  }
}
