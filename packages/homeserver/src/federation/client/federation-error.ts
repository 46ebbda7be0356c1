/** The reason why a request to another server has no result. */
export type FailureKind =
  /** The configuration does not permit the server, or its name is not valid. */
  | 'not-permitted'
  /** The server did not answer lately and is not tried yet. */
  | 'backing-off'
  /** Too many requests to the server, or to all servers, are waiting. */
  | 'busy'
  /** There is no connection, no answer in time, or an answer that is no JSON object. */
  | 'no-answer'
  /** The server has answered, and the answer exceeds a limit of this server. */
  | 'over-limit'
  /** The server has answered with an error. */
  | 'refused';

/** The answer of a server that has refused a request. */
interface Refusal {
  readonly status: number;
  readonly errcode?: string;
  /** The text of the error for people. */
  readonly reason?: string;
}

/**
 * The error for a request to another server. Nothing of it is passed on to clients or other servers, except the refusal
 * of a policy server.
 */
export class FederationError extends Error {
  readonly kind: FailureKind;
  /** The status and the error code of a server that has refused the request. */
  readonly status: number | undefined;
  readonly errcode: string | undefined;
  readonly reason: string | undefined;

  constructor(kind: FailureKind, message: string, refusal?: Refusal) {
    super(message);
    this.kind = kind;
    this.status = refusal?.status;
    this.errcode = refusal?.errcode;
    this.reason = refusal?.reason;
  }
}
