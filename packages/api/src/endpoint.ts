import type { BaseIssue, BaseSchema, InferOutput } from 'valibot';

/** Any schema that turns untrusted input into a checked value. */
export type Schema = BaseSchema<unknown, unknown, BaseIssue<unknown>>;

/**
 * Who may call an endpoint.
 * - `none`: no token is looked at.
 * - `optional`: a token is used when there is one; an unknown one is still refused.
 * - `guest`: any account, guests included (client-server API, module "Guest Access").
 * - `user`: any account except guests, who get `M_GUEST_ACCESS_FORBIDDEN`.
 * - `admin`: a server administrator.
 */
export type Access = 'none' | 'optional' | 'guest' | 'user' | 'admin';

/**
 * A budget of requests, which is configuration. Counted for each user, or for each address where nobody is logged in.
 * - `event`: every event that a user causes in a room.
 * - `ephemeral`: receipts and typing notifications.
 * - `settings`: what users store about themselves, their devices and their view of rooms.
 * - `read`: answers that cost little; `history`: pages of events; `search`: searches and directories.
 * - `sync`: waiting for news.
 */
export type LimitClass =
  | 'login'
  | 'registration'
  | 'event'
  | 'join'
  | 'invite'
  | 'room-creation'
  | 'profile'
  | 'ephemeral'
  | 'settings'
  | 'keys'
  | 'upload'
  | 'download'
  | 'preview'
  | 'read'
  | 'history'
  | 'search'
  | 'sync';

/** The budgets that each request counts against, or the reason why it counts against none. */
export type Limit = LimitClass | readonly LimitClass[] | { readonly none: string };

/**
 * What a suspended user may do with an endpoint (client-server API, "Account suspension").
 * - `own-events`: the endpoint acts on events, and its handler refuses those of other users.
 */
export type WhenSuspended = 'allowed' | 'refused' | 'own-events';

/** What a locked user may do with an endpoint (client-server API, "Account locking"). */
export type WhenLocked = 'allowed' | 'refused';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Bytes that are still arriving: the body of a request, or of a reply from elsewhere. */
export interface IncomingBytes {
  /** What the sender calls them. */
  readonly contentType: string | undefined;
  /** How many the sender says there are. */
  readonly length: number | undefined;
  /**
   * Hands over each chunk in its order, which is the taker's from then on; where `take` gives a promise, the next one
   * waits for it.
   * @throws what `take` throws; or when the sender goes away before the end
   */
  receive(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void>;
}

export interface Endpoint<P extends string = string, Q extends Schema = Schema, B extends Schema = Schema> {
  /** The `operationId` of the specification, or a name in its manner for what it no longer lists. */
  readonly operation: string;
  readonly method: Method;
  /** Every path that answers, `{name}` for a parameter; all have the same parameters. */
  readonly paths: readonly P[];
  readonly access: Access;
  readonly limit: Limit;
  readonly whenSuspended: WhenSuspended;
  readonly whenLocked: WhenLocked;
  /** Checked against an object with one string for each query parameter, or an array of strings for a repeated one. */
  readonly query?: Q;
  /** Checked against the parsed JSON body. Without it a body is ignored. */
  readonly body?: B;
  /** The body is bytes of any kind, no JSON: the handler gets them as they arrive, and bounds them. */
  readonly bodyBytes?: true;
  /**
   * `true`: an absent body counts as `{}`, because clients of old versions send none. `repetition`: the handler gets
   * `undefined` for it, and answers if the request repeats an earlier one.
   */
  readonly bodyOptional?: true | 'repetition';
  /**
   * The waiting requests of the caller, such as `/sync` on the same device, are answered before the reply: some clients
   * use a new room as soon as they have its id, and look for it in what they have synchronised. `unless-related`: not for
   * events that relate to others, because matrix-js-sdk (43 and before) never ends the sending of a reply in a new thread
   * when its echo arrives before the reply.
   */
  readonly ownRequestsFirst?: true | 'unless-related';
}

/** The names in braces of a path, as a union. */
export type ParamNames<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

export type Params<E> = E extends Endpoint<infer P, Schema, Schema> ? { readonly [K in ParamNames<P>]: string } : never;
export type Query<E> = E extends { readonly query: infer Q extends Schema } ? InferOutput<Q> : undefined;
export type Body<E> = E extends { readonly bodyBytes: true } ? IncomingBytes : BodyValue<E>;
type BodyValue<E> = E extends { readonly body: infer B extends Schema }
  ? InferOutput<B> | (E extends { readonly bodyOptional: 'repetition' } ? undefined : never)
  : undefined;

/** Declares an endpoint; only there to infer the literal types. */
export function endpoint<const E extends Endpoint>(declared: E): E {
  return declared;
}

/** A path of the client-server API under `v3` and its older spelling `r0`. */
export function v3<const S extends string>(suffix: S) {
  return [`/_matrix/client/v3${suffix}`, `/_matrix/client/r0${suffix}`] as const;
}

/** A path under `v1`, for endpoints added after the versions were numbered one by one. */
export function v1<const S extends string>(suffix: S) {
  return [`/_matrix/client/v1${suffix}`] as const;
}

/** As {@link v3}, with the spelling from before it was specified, which clients still use. */
export function v3AndUnstable<const S extends string>(suffix: S) {
  return [...v3(suffix), `/_matrix/client/unstable${suffix}`] as const;
}

/** As {@link v3}, with the spelling of the first API, `/_matrix/client/api/v1`, which old guests and bots still use. */
export function v3AndLegacy<const S extends string>(suffix: S) {
  return [...v3(suffix), `/_matrix/client/api/v1${suffix}`] as const;
}
