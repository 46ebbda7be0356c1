import type { BaseIssue, BaseSchema, InferOutput } from 'valibot';

/** Any schema that turns untrusted input into a checked value. */
export type Schema = BaseSchema<unknown, unknown, BaseIssue<unknown>>;

/**
 * The callers that an endpoint accepts.
 * - `none`: everybody; a token is ignored.
 * - `optional`: everybody; an unknown token is refused.
 * - `guest`: any account, guests included (client-server API, module "Guest Access").
 * - `user`: any account except guests, who get `M_GUEST_ACCESS_FORBIDDEN`.
 * - `admin`: a server administrator.
 * - `server`: another server, by a signed request (server-server API, "Request Authentication").
 */
export type Access = 'none' | 'optional' | 'guest' | 'user' | 'admin' | 'server';

/**
 * A budget of requests, set by the configuration. Requests are counted for each user, or for each address without a
 * user.
 * - `event`: every event that a user causes in a room.
 * - `ephemeral`: receipts and typing notifications.
 * - `settings`: data that users store about themselves, their devices and their rooms.
 * - `read`: answers that cost little; `history`: pages of events; `search`: searches and directories.
 * - `sync`: long polls for changes.
 * - `federation`: signed requests of other servers, counted for each server.
 * - `server-keys`: requests for the signing keys of servers.
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
  | 'sync'
  | 'federation'
  | 'server-keys';

/** The budgets that each request counts against, or the reason why it counts against none. */
export type Limit = LimitClass | readonly LimitClass[] | { readonly none: string };

/**
 * Whether a suspended user may call an endpoint (client-server API, "Account suspension").
 * - `own-events`: the endpoint acts on events, and its handler refuses those of other users.
 */
export type WhenSuspended = 'allowed' | 'refused' | 'own-events';

/** Whether a locked user may call an endpoint (client-server API, "Account locking"). */
export type WhenLocked = 'allowed' | 'refused';

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** Bytes that are still arriving: the body of a request, or of a response from another server. */
export interface IncomingBytes {
  /** The content type that the sender states. */
  readonly contentType: string | undefined;
  /** The number of bytes that the sender states. */
  readonly length: number | undefined;
  /**
   * Passes each chunk to `take`, in order. The chunk belongs to `take`; if it returns a promise, the next chunk waits
   * for it.
   * @throws the error that `take` throws, or an error when the sender closes the connection before the end
   */
  receive(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void>;
}

export interface Endpoint<P extends string = string, Q extends Schema = Schema, B extends Schema = Schema> {
  /** The `operationId` of the specification, or a similar name if the specification does not list the endpoint. */
  readonly operation: string;
  readonly method: Method;
  /** All paths of the endpoint, with `{name}` for a parameter. All paths have the same parameters. */
  readonly paths: readonly P[];
  readonly access: Access;
  readonly limit: Limit;
  readonly whenSuspended: WhenSuspended;
  readonly whenLocked: WhenLocked;
  /**
   * The schema of the query: an object with a string for each query parameter, or an array of strings for a repeated
   * one.
   */
  readonly query?: Q;
  /** The schema of the parsed JSON body. Without a schema the body is ignored. */
  readonly body?: B;
  /** The maximum number of bytes of the body, if it is not the one of the configuration (`limits.body_bytes`). */
  readonly bodyBytesMax?: number;
  /** The body consists of bytes instead of JSON. The handler receives them as they arrive and limits their number. */
  readonly bodyBytes?: true;
  /**
   * `true`: an absent body counts as `{}`, because clients of old versions send none. `repetition`: the handler gets
   * `undefined` for an absent body, and answers if the request repeats an earlier one.
   */
  readonly bodyOptional?: true | 'repetition';
  /**
   * The caller's waiting requests, such as `/sync` on the same device, are answered before this request, because some
   * clients use a new room as soon as they have its id and expect it in their synchronised data. `unless-related`: not
   * for events that relate to other events, because matrix-js-sdk (43 and before) never finishes sending a reply in a
   * new thread when the event arrives by `/sync` before the response.
   */
  readonly ownRequestsFirst?: true | 'unless-related';
}

/** The names of the parameters of a path, as a union. */
export type ParamNames<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParamNames<Rest>
  : never;

export type Params<E> = E extends Endpoint<infer P, Schema, Schema> ? { readonly [K in ParamNames<P>]: string } : never;
export type Query<E> = E extends { readonly query: infer Q extends Schema } ? InferOutput<Q> : undefined;
export type Body<E> = E extends { readonly bodyBytes: true } ? IncomingBytes : BodyValue<E>;
type BodyValue<E> = E extends { readonly body: infer B extends Schema }
  ? InferOutput<B> | (E extends { readonly bodyOptional: 'repetition' } ? undefined : never)
  : undefined;

/** Declares an endpoint. The function exists only to infer the literal types. */
export function endpoint<const E extends Endpoint>(declared: E): E {
  return declared;
}

/** Returns a path of the client-server API under `v3` and its older spelling `r0`. */
export function v3<const S extends string>(suffix: S) {
  return [`/_matrix/client/v3${suffix}`, `/_matrix/client/r0${suffix}`] as const;
}

/** Returns a path of the server-server API under `v1`. */
export function federationV1<const S extends string>(suffix: S) {
  return [`/_matrix/federation/v1${suffix}`] as const;
}

/** Returns a path of the server-server API under `v2`. */
export function federationV2<const S extends string>(suffix: S) {
  return [`/_matrix/federation/v2${suffix}`] as const;
}

/** Returns a path under `v1`, for endpoints that were added after `v3`. */
export function v1<const S extends string>(suffix: S) {
  return [`/_matrix/client/v1${suffix}`] as const;
}

/**
 * Returns the paths of {@link v3} and the unstable path from before the endpoint was specified, which clients still
 * use.
 */
export function v3AndUnstable<const S extends string>(suffix: S) {
  return [...v3(suffix), `/_matrix/client/unstable${suffix}`] as const;
}

/**
 * Returns the paths of {@link v3} and the path of the first API, `/_matrix/client/api/v1`, which old guests and bots
 * still use.
 */
export function v3AndLegacy<const S extends string>(suffix: S) {
  return [...v3(suffix), `/_matrix/client/api/v1${suffix}`] as const;
}
