import { MatrixError } from '@hearth/protocol/errors.ts';
import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import * as v from 'valibot';
import { type Hearth, startHearth } from '../../packages/homeserver/src/compose/start.ts';
import { configSchema } from '../../packages/homeserver/src/config/schema.ts';
import { checkBody, checkQuery } from '../../packages/homeserver/src/http/check.ts';
import { type PathMatch, PathTree } from '../../packages/homeserver/src/http/path-tree.ts';
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
import type { HttpsRequest } from '../../packages/homeserver/src/platform/outbound/https-pool.ts';
import type { QueryValues } from '../support/client.ts';
import { Dice } from '../support/dice.ts';
import { ProcessDatabase } from './servers/process-database.ts';
import type { NetworkAnswer, SimNetwork } from './servers/sim-network.ts';
import { ProcessClock, SimClock } from './sim-clock.ts';
import { type Latency, SimDatabase, type SimStorage } from './sim-database.ts';
import { SimPostgres } from './sim-postgres.ts';

export interface SimReply {
  readonly status: number;
  readonly json: JsonValue;
}

/** The place of a server that federates. */
export interface SimPlace {
  readonly name: string;
  /** The clock that all servers share. */
  readonly clock: SimClock;
  /** The error of the server's clock. */
  readonly skewMs: number;
  readonly network: SimNetwork;
  /** Prints the messages of the server's log. */
  readonly print: (line: string) => void;
}

/** One run of a server's program. */
interface Process {
  readonly hearth: Hearth;
  readonly clock: ProcessClock;
  readonly database: ProcessDatabase;
  readonly tree: PathTree<Route>;
}

/** A server without sockets, on a virtual clock. A request is a call of its handler. */
export class SimServer {
  readonly clock: SimClock;
  readonly database: SimStorage;
  /** Errors that the server has logged. */
  readonly faults: unknown[] = [];
  readonly #dice: Dice;
  readonly #place: SimPlace | undefined;
  #process: Process | undefined;

  private constructor(dice: Dice, database: SimStorage, place: SimPlace | undefined) {
    this.#dice = dice;
    this.database = database;
    this.#place = place;
    this.clock = place?.clock ?? new SimClock();
  }

  /** @param postgres a PostgreSQL server on which a database is created, instead of the embedded database */
  static async open(seed: number, latency: Latency, postgres?: string, place?: SimPlace): Promise<SimServer> {
    const dice = new Dice(seed);
    const database =
      postgres === undefined
        ? await SimDatabase.open(new Dice(dice.seed()), latency)
        : await SimPostgres.open(postgres);
    const server = new SimServer(dice, database, place);
    await server.start();
    return server;
  }

  /** Whether the program of the server runs. */
  get isRunning(): boolean {
    return this.#process !== undefined;
  }

  /** Restarts the server, which keeps only the content of the database. */
  async restart(): Promise<void> {
    await this.#process?.hearth.close();
    this.#end();
    await this.start();
  }

  /** Ends the program at once. It finishes nothing that it has begun. */
  kill(): void {
    const process = this.#process;
    this.#end();
    // Only its sockets are closed. The rest waits for answers of the database, which do not arrive any more.
    void process?.hearth.close();
  }

  #end(): void {
    this.#process?.clock.end();
    this.#process?.database.end();
    this.#process = undefined;
    if (this.#place !== undefined) this.#place.network.disconnect(this.#place.name);
  }

  async start(): Promise<void> {
    const { faults } = this;
    const place = this.#place;
    const config = v.parse(configSchema, {
      server_name: place?.name ?? 'sim.test',
      listen: ['127.0.0.1:0'],
      registration: { policy: 'open', guests: true },
      passwords: { memory_kib: 8 },
      rate_limits: false,
      federation: { enabled: place !== undefined, retry_min_ms: 1_000, retry_max_ms: 60_000 },
    });
    const clock = new ProcessClock(this.clock, place?.skewMs ?? 0);
    const database = new ProcessDatabase(this.database);
    const isCurrent = () => this.#process === undefined || this.#process.clock === clock;
    const error = (message: string, fields = {}) => {
      if (isCurrent()) faults.push(message, fields);
    };
    const info = (message: string, fields = {}) =>
      place?.print(`${place.name} logs "${message}" ${JSON.stringify(fields)} at ${this.clock.now()}`);
    const machine = { clock, random: new Dice(this.#dice.seed()), log: { ...silentLog, info, error }, database };
    const network = place?.network.of(place.name);
    const hearth = await startHearth(config, { ...machine, ...(network !== undefined && { network }) });
    const tree = new PathTree<Route>();
    for (const route of hearth.routes)
      for (const path of route.endpoint.paths) tree.add(route.endpoint.method, path, route);
    this.#process = { hearth, clock, database, tree };
    place?.network.connect(place.name, (request) => this.#receive(request));
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
    const found = this.#process?.tree.find(method, full);
    if (found === undefined || found === 'wrong-method') throw new Error(`no endpoint ${method} ${path}`);
    try {
      const given = { path: full, query: search(query), body, caller, cancellation };
      return await replyOf(await answerOf(found, given));
    } catch (error) {
      if (error instanceof MatrixError) return { status: error.status, json: error.body() };
      throw new Error(`${method} ${path} failed`, { cause: error });
    }
  }

  /** Answers a request of another server. */
  async #receive({ method, path: uri, headers, body }: HttpsRequest): Promise<NetworkAnswer> {
    const process = this.#process;
    const [path = '', query = ''] = uri.split('?', 2);
    const found = process?.tree.find(method, path);
    if (process === undefined || found === undefined || found === 'wrong-method')
      return { status: 404, text: '{"errcode":"M_UNRECOGNIZED","error":"no endpoint"}' };
    try {
      const content = body === undefined ? undefined : (JSON.parse(body) as JsonObject);
      const isSigned = found.value.endpoint.access === 'server';
      const signed = { method, uri, content, countFetch: () => undefined };
      const origin = isSigned
        ? await process.hearth.authenticateServer?.([headers.authorization ?? ''])(signed)
        : undefined;
      const { status, json } = await replyOf(await answerOf(found, { path, query, body: content, origin }));
      return { status, text: JSON.stringify(json) };
    } catch (error) {
      if (error instanceof MatrixError) return { status: error.status, text: JSON.stringify(error.body()) };
      this.faults.push(`${method} ${uri} failed`, { error });
      return { status: 500, text: '{"errcode":"M_UNKNOWN","error":"fault"}' };
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
    await this.#process?.hearth.close();
    this.#end();
    await this.database.close();
  }
}

/** The parts of a request for its handler. */
interface SimCall {
  readonly path: string;
  readonly query: string;
  readonly body: JsonObject | undefined;
  readonly caller?: Caller | undefined;
  readonly origin?: string | undefined;
  readonly cancellation?: Cancellation | undefined;
}

/** Checks a request as the HTTP layer does, and calls its handler. @throws MatrixError */
function answerOf(found: PathMatch<Route>, { path, query, body, caller, origin, cancellation }: SimCall) {
  const { endpoint, handle } = found.value;
  const call = {
    params: Object.fromEntries(found.names.map((name, i) => [name, found.values[i] ?? ''])),
    query: endpoint.query === undefined ? undefined : checkQuery(endpoint.query, parseQuery(query)),
    body: endpoint.body === undefined ? undefined : checkBody(endpoint.body, body ?? {}),
    caller,
    origin,
    path,
    remoteAddress: '127.0.0.1',
    userAgent: undefined,
    spend: () => undefined,
    cancellation: cancellation ?? new Cancellation(),
  };
  // A checked request gets the types of its endpoint, as in the HTTP layer.
  return handle(call as unknown as Call);
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
