import { type MessagePort, workerData } from 'node:worker_threads';
import pg from 'pg';

/** A request to the thread that queries PostgreSQL for `SimPostgres.look`. */

export interface LookRequest {
  readonly text: string;
  readonly values: readonly (string | number)[];
}

export interface LookAnswer {
  readonly rows: readonly unknown[];
  readonly error?: string;
}

const TYPE_INT8 = 20;
pg.types.setTypeParser(TYPE_INT8, Number);

const { url, port, signal } = workerData as { url: string; port: MessagePort; signal: Int32Array };
const client = new pg.Client({ connectionString: url });
// The database is dropped at the end while the connection is still open.
client.on('error', () => undefined);
const connected = client.connect();

async function answer({ text, values }: LookRequest): Promise<LookAnswer> {
  try {
    await connected;
    return { rows: (await client.query(text, [...values])).rows };
  } catch (error) {
    return { rows: [], error: String(error) };
  }
}

port.on('message', (request: LookRequest) => {
  void answer(request).then((found) => {
    port.postMessage(found);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  });
});
