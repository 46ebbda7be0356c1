import { MatrixError } from '@hearth/protocol/errors.ts';
import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';
import { type Hearth, startHearth } from '../../packages/homeserver/src/compose/start.ts';
import { configSchema } from '../../packages/homeserver/src/config/schema.ts';
import { checkBody, checkQuery } from '../../packages/homeserver/src/http/check.ts';
import { PathTree } from '../../packages/homeserver/src/http/path-tree.ts';
import { parseQuery } from '../../packages/homeserver/src/http/query.ts';
import {
  type Answer,
  type Call,
  type Caller,
  JsonPieces,
  RawJson,
  Reply,
  type Route,
} from '../../packages/homeserver/src/http/route.ts';
import { Cancellation } from '../../packages/homeserver/src/platform/concurrency/cancellation.ts';
import { silentLog } from '../../packages/homeserver/src/platform/monitoring/log.ts';
import type { QueryValues } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import { SimClock } from './sim-clock.ts';
import { type Latency, SimDatabase, type SimStorage } from './sim-database.ts';
import { SimPostgres } from './sim-postgres.ts';

export interface SimReply {
  readonly status: number;
  readonly json: JsonValue;
}

/** A server without sockets, on a virtual clock. A request is a call of its handler. */
export class SimServer {
  readonly clock = new SimClock();
  readonly database: SimStorage;
  /** Errors that the server has logged. */
  readonly faults: unknown[] = [];
  readonly #dice: Dice;
  #hearth: Hearth | undefined;
  #tree = new PathTree<Route>();

  private constructor(dice: Dice, database: SimStorage) {
    this.#dice = dice;
    this.database = database;
  }

  /** @param postgres a PostgreSQL server on which a database is created, instead of the embedded database */
  static async open(seed: number, latency: Latency, postgres?: string): Promise<SimServer> {
    const dice = new Dice(seed);
    const database =
      postgres === undefined
        ? await SimDatabase.open(new Dice(dice.seed()), latency)
        : await SimPostgres.open(postgres);
    const server = new SimServer(dice, database);
    await server.#start();
    return server;
  }

  /** Restarts the server, which keeps only the content of the database. */
  async restart(): Promise<void> {
    await this.#hearth?.close();
    this.clock.clear();
    await this.#start();
  }

  async #start(): Promise<void> {
    const { clock, database, faults } = this;
    const config = v.parse(configSchema, {
      server_name: 'sim.test',
      listen: ['127.0.0.1:0'],
      registration: { policy: 'open', guests: true },
      passwords: { memory_kib: 8 },
      rate_limits: false,
    });
    const log = { ...silentLog, error: (message: string, fields = {}) => void faults.push(message, fields) };
    const hearth = await startHearth(config, { clock, random: new Dice(this.#dice.seed()), log, database });
    this.#hearth = hearth;
    this.#tree = new PathTree();
    for (const route of hearth.routes) {
      for (const path of route.endpoint.paths) this.#tree.add(route.endpoint.method, path, route);
    }
  }

  /** Registers an account with a device, or another device of an account. */
  async register(username: string, isNew: boolean): Promise<Caller> {
    const body: JsonObject = isNew
      ? { username, password: username, auth: { type: 'm.login.dummy' } }
      : { type: 'm.login.password', identifier: { type: 'm.id.user', user: username }, password: username };
    const { status, json } = await this.call(undefined, 'POST', isNew ? '/register' : '/login', { body });
    const { user_id: userId = '', device_id: deviceId = '' } = json as { user_id?: string; device_id?: string };
    const [row] = this.database.look<{ user: number; device: number }>(
      'SELECT n.num AS user, d.num AS device FROM names n JOIN devices d ON d.user_num = n.num WHERE n.text = ? AND d.device_id = ?',
      userId,
      deviceId,
    );
    if (status !== 200 || row === undefined) throw new Error(`no session for ${username}: ${JSON.stringify(json)}`);
    return { userId, deviceId, ...row, isGuest: false, isAdmin: false, isSuspended: false };
  }

  /** Sends a request. Matrix errors are replies; any other error is a fault of the server. */
  async call(
    caller: Caller | undefined,
    method: string,
    path: string,
    { query, body, cancellation }: { query?: QueryValues; body?: JsonObject; cancellation?: Cancellation } = {},
  ): Promise<SimReply> {
    const full = path.startsWith('/_matrix') ? path : `/_matrix/client/v3${path}`;
    const found = this.#tree.find(method, full);
    if (found === undefined || found === 'wrong-method') throw new Error(`no endpoint ${method} ${path}`);
    const { endpoint, handle } = found.value;
    const params = Object.fromEntries(found.names.map((name, i) => [name, found.values[i] ?? '']));
    try {
      const call = {
        params,
        query: endpoint.query === undefined ? undefined : checkQuery(endpoint.query, parseQuery(search(query))),
        body: endpoint.body === undefined ? undefined : checkBody(endpoint.body, body ?? {}),
        caller,
        path: full,
        remoteAddress: '127.0.0.1',
        userAgent: undefined,
        spend: () => undefined,
        cancellation: cancellation ?? new Cancellation(),
      };
      // A checked request gets the types of its endpoint, as in the HTTP layer.
      return await replyOf(await handle(call as unknown as Call));
    } catch (error) {
      if (error instanceof MatrixError) return { status: error.status, json: error.body() };
      throw new Error(`${method} ${path} failed`, { cause: error });
    }
  }

  /** Waits until nothing happens any more without a change of the clock. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.database.isIdle ? quiet + 1 : 0;
    }
  }

  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms, () => this.settle());
  }

  async close(): Promise<void> {
    await this.#hearth?.close();
    await this.database.close();
  }
}

async function replyOf(answer: Answer): Promise<SimReply> {
  const { status, body } = answer instanceof Reply ? answer : { status: 200, body: answer };
  // The reply is serialised and parsed, so that no test shares objects with the server.
  return { status, json: JSON.parse(await textOf(body)) as JsonValue };
}

async function textOf(body: Reply['body'] | Answer): Promise<string> {
  if (body instanceof RawJson) return body.text;
  if (!(body instanceof JsonPieces)) return JSON.stringify(body);
  let text = '';
  for await (const piece of body.pieces) text += piece;
  return text;
}

function search(query: QueryValues = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) parameters.append(name, String(one));
  }
  return parameters.toString();
}
