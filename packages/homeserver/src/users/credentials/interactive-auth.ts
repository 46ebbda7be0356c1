import { forbidden, type MatrixError, unrecognized } from '@hearth/protocol/errors.ts';
import { asString, type JsonObject, member } from '@hearth/protocol/json/value.ts';
import { LruMap } from '../../platform/caches/lru.ts';
import type { Clock } from '../../platform/clock.ts';
import { type Random, randomText } from '../../platform/random.ts';

/** One step of user-interactive authentication. */
export interface Stage {
  readonly type: string;
  /** Parameters that the client needs for the stage. */
  readonly params?: JsonObject;
  /** Checks the authentication data. Returns an error if they are not sufficient. May store findings in `results`. */
  check(auth: JsonObject, results: Map<string, unknown>): Promise<MatrixError | undefined>;
}

/** The request that a session is for: its method and path, and the user it acts for, if there is one. */
export interface Guarded {
  readonly operation: string;
  readonly user?: number;
  /** The parameter of the path, if there is one. */
  readonly target?: string;
}

/** A body that may carry authentication data; its other members are the parameters of the request. */
export interface GuardedBody {
  readonly auth?: JsonObject | undefined;
}

/** Lists of stages, the flows. A client has to complete one of them. */
export type Flows = readonly (readonly Stage[])[];

/** The result of authentication: success, or the body of the answer with status 401. */
export type AuthVerdict =
  | {
      readonly passed: true;
      readonly results: ReadonlyMap<string, unknown>;
      /** Makes the session usable again, because the request was refused for another reason. */
      readonly restore: () => void;
    }
  | { readonly passed: false; readonly challenge: JsonObject };

interface AuthSession {
  readonly binding: string;
  readonly completed: Set<string>;
  readonly results: Map<string, unknown>;
  readonly expires: number;
  /** The parameters of the latest request that had any. */
  parameters: GuardedBody | undefined;
}

const SESSIONS_MAX = 5_000;
const SESSION_MS = 60 * 60 * 1000;
/** The maximum length of parameters that a session remembers. The client has to repeat longer ones. */
const PARAMETERS_LENGTH_MAX = 8 * 1024;

/** User-interactive authentication (client-server API, "User-Interactive Authentication API"). Sessions are in memory. */
export class InteractiveAuth {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new LruMap<string, AuthSession>(SESSIONS_MAX);

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Returns the body, with the parameters of an earlier request of its session if it has none itself. */
  recall<B extends GuardedBody>(guarded: Guarded, body: B): B {
    if (hasParameters(body)) return body;
    const [, session] = this.#find(body) ?? [];
    if (session?.parameters === undefined || session.binding !== bindingOf(guarded)) return body;
    // Remembered parameters were checked against the schema of the same endpoint.
    return { ...(session.parameters as B), auth: body.auth };
  }

  /**
   * Checks the `auth` of a request. A session is valid only for the operation, path and user that it began with.
   * @throws MatrixError when the session belongs to another request
   */
  async judge(guarded: Guarded, body: GuardedBody, flows: Flows): Promise<AuthVerdict> {
    const [id, session] = this.#sessionFor(bindingOf(guarded), body);
    if (hasParameters(body)) session.parameters = withoutAuth(body);
    const { auth = {} } = body;
    const type = asString(member(auth, 'type'));
    const refusal = type === undefined ? undefined : await attempt(flows, type, auth, session);
    const isComplete = flows.some((flow) => flow.every((stage) => session.completed.has(stage.type)));
    if (!isComplete) return { passed: false, challenge: challenge(flows, id, session, refusal) };
    this.#sessions.delete(id);
    return { passed: true, results: session.results, restore: () => this.#sessions.set(id, session) };
  }

  #sessionFor(binding: string, body: GuardedBody): readonly [string, AuthSession] {
    const found = this.#find(body);
    if (found !== undefined) {
      if (found[1].binding !== binding) throw forbidden('The authentication session belongs to another request');
      return found;
    }
    const id = randomText(this.#random, 24);
    const expires = this.#clock.now() + SESSION_MS;
    const session = {
      binding,
      completed: new Set<string>(),
      results: new Map<string, unknown>(),
      expires,
      parameters: undefined,
    };
    this.#sessions.set(id, session);
    return [id, session];
  }

  #find({ auth = {} }: GuardedBody): readonly [string, AuthSession] | undefined {
    const id = asString(member(auth, 'session'));
    const session = id === undefined ? undefined : this.#sessions.get(id);
    return id === undefined || session === undefined || session.expires <= this.#clock.now()
      ? undefined
      : [id, session];
  }
}

function bindingOf({ operation, user, target }: Guarded): string {
  return JSON.stringify([operation, user ?? null, target ?? null]);
}

function hasParameters(body: GuardedBody): boolean {
  return Object.entries(body).some(([name, value]) => name !== 'auth' && value !== undefined);
}

function withoutAuth(body: GuardedBody): GuardedBody | undefined {
  const { auth: _, ...parameters } = body;
  return JSON.stringify(parameters).length > PARAMETERS_LENGTH_MAX ? undefined : parameters;
}

async function attempt(flows: Flows, type: string, auth: JsonObject, session: AuthSession) {
  const stage = flows.flat().find((each) => each.type === type);
  if (stage === undefined) return unrecognized(404, 'No authentication flow has this stage');
  const refusal = await stage.check(auth, session.results);
  if (refusal === undefined) session.completed.add(type);
  return refusal;
}

/**
 * Renders the body of the 401 ("User-interactive API in the REST API"); after a failed stage it also contains an error.
 */
function challenge(flows: Flows, id: string, session: AuthSession, refusal?: MatrixError): JsonObject {
  const params: JsonObject = {};
  for (const stage of flows.flat()) if (stage.params !== undefined) params[stage.type] = stage.params;
  return {
    session: id,
    flows: flows.map((flow) => ({ stages: flow.map((stage) => stage.type) })),
    params,
    ...(session.completed.size > 0 && { completed: [...session.completed] }),
    ...(refusal !== undefined && { errcode: refusal.errcode, error: refusal.message }),
  };
}
