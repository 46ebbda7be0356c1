import { hash } from 'node:crypto';
import { forbidden, type MatrixError, unrecognized } from '@hearth/protocol/errors.ts';
import { asString, isObject, type JsonObject, member } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';
import { LruMap } from '../platform/lru.ts';
import { type Random, randomText } from '../platform/random.ts';

/** One step of user-interactive authentication. */
export interface Stage {
  readonly type: string;
  /** What the client has to know for it. */
  readonly params?: JsonObject;
  /** Checks what the client sent; the refusal when it is not enough. May keep in `results` what it found out. */
  check(auth: JsonObject, results: Map<string, unknown>): Promise<MatrixError | undefined>;
}

/** A request that needs more than an access token. */
export interface GuardedRequest {
  readonly operation: string;
  /** The user it acts for, if there is one. */
  readonly user?: number;
  readonly body: JsonObject;
  /** Each flow is a list of stages; completing one flow is enough. */
  readonly flows: readonly (readonly Stage[])[];
}

/** Either everything asked for was given, or what to answer with status 401. */
export type Verdict =
  | { readonly passed: true; readonly results: ReadonlyMap<string, unknown> }
  | { readonly passed: false; readonly challenge: JsonObject };

interface AuthSession {
  readonly binding: string;
  readonly completed: Set<string>;
  readonly results: Map<string, unknown>;
  readonly expires: number;
}

const SESSIONS_MAX = 10_000;
const SESSION_MS = 60 * 60 * 1000;

/** User-interactive authentication (client-server API, "User-Interactive Authentication API"). Sessions are in memory. */
export class InteractiveAuth {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #sessions = new LruMap<string, AuthSession>(SESSIONS_MAX);

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Looks at the `auth` of a request. A session counts for the one request that it began with: same operation, same
   * user, same body.
   * @throws MatrixError when the session is of another request
   */
  async judge(request: GuardedRequest): Promise<Verdict> {
    const auth = member(request.body, 'auth');
    const given = isObject(auth) ? auth : {};
    const [id, session] = this.#session(asString(member(given, 'session')), bindingOf(request));
    const type = asString(member(given, 'type'));
    const refusal = type === undefined ? undefined : await attempt(request, type, given, session);
    const complete = request.flows.some((flow) => flow.every((stage) => session.completed.has(stage.type)));
    if (!complete) return { passed: false, challenge: challenge(request, id, session, refusal) };
    this.#sessions.delete(id);
    return { passed: true, results: session.results };
  }

  #session(id: string | undefined, binding: string): [string, AuthSession] {
    const known = id === undefined ? undefined : this.#sessions.get(id);
    if (id !== undefined && known !== undefined && known.expires > this.#clock.now()) {
      if (known.binding !== binding) throw forbidden('The authentication session belongs to another request');
      return [id, known];
    }
    const made = randomText(this.#random, 24);
    const expires = this.#clock.now() + SESSION_MS;
    const session = { binding, completed: new Set<string>(), results: new Map<string, unknown>(), expires };
    this.#sessions.set(made, session);
    return [made, session];
  }
}

/** What a session is bound to. The order of the members does not matter, as clients may build the body anew. */
function bindingOf({ operation, user, body }: GuardedRequest): string {
  const members = Object.entries(body).filter(([name]) => name !== 'auth');
  members.sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([operation, user ?? null, members]), 'base64');
}

async function attempt(request: GuardedRequest, type: string, auth: JsonObject, session: AuthSession) {
  const stage = request.flows.flat().find((each) => each.type === type);
  if (stage === undefined) return unrecognized(404, 'This stage is in none of the flows');
  const refusal = await stage.check(auth, session.results);
  if (refusal === undefined) session.completed.add(type);
  return refusal;
}

/** The body of the 401 ("User-interactive API in the REST API"); after a failed stage it has an error as well. */
function challenge(request: GuardedRequest, id: string, session: AuthSession, refusal?: MatrixError): JsonObject {
  const params: JsonObject = {};
  for (const stage of request.flows.flat()) if (stage.params !== undefined) params[stage.type] = stage.params;
  return {
    session: id,
    flows: request.flows.map((flow) => ({ stages: flow.map((stage) => stage.type) })),
    params,
    ...(session.completed.size > 0 && { completed: [...session.completed] }),
    ...(refusal !== undefined && { errcode: refusal.errcode, error: refusal.message }),
  };
}
