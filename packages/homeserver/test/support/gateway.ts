import { createServer } from 'node:http';
import type { JsonObject } from '@hearth/protocol/json/value.ts';

/** A request that a push gateway has received. */
export interface Notice extends JsonObject {
  notification: JsonObject & { counts: JsonObject; devices: JsonObject[] };
}

/** A push gateway that keeps what it is told, and answers as a test says. */
export class Gateway {
  readonly notices: Notice[] = [];
  status = 200;
  rejected: string[] = [];
  readonly #server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      if (this.status === 200) this.notices.push(JSON.parse(text) as Notice);
      else this.refused += 1;
      response.writeHead(this.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ rejected: this.rejected }));
    });
  });
  refused = 0;

  static async open(): Promise<Gateway> {
    const gateway = new Gateway();
    await new Promise<void>((resolve) => gateway.#server.listen(0, '127.0.0.1', resolve));
    return gateway;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the gateway does not listen');
    return `http://127.0.0.1:${address.port}/_matrix/push/v1/notify`;
  }

  /** The events that it was told of, in order. */
  get events(): (string | undefined)[] {
    return this.notices.map(({ notification }) => notification.event_id as string | undefined);
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
