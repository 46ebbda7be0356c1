import type { Body, Endpoint, LimitClass, Params, Query } from '@hearth/api/endpoint.ts';
import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import type { Cancellation } from '../platform/concurrency/cancellation.ts';
import type { Text } from '../platform/long-text.ts';

/** The account and device that send a request. */
export interface Caller {
  readonly userId: string;
  /** The user's number, see `storage/engine/names.ts`. */
  readonly user: number;
  /** Undefined for an application service that acts for a user without a device. */
  readonly deviceId: string | undefined;
  /**
   * The number of the device, unique on this server and never used again. Without a device it is the negative number of the
   * user.
   */
  readonly device: number;
  readonly isGuest: boolean;
  readonly isAdmin: boolean;
  readonly isSuspended: boolean;
  /** The id of the application service that sends the request, if one does. */
  readonly applicationService?: string;
  /** Whether the requests of the caller count against no rate limit. */
  readonly isUnlimited?: boolean;
}

/** JSON that is already serialised and sent as it is. */
export class RawJson {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A reply other than a plain 200. */
export class Reply {
  readonly status: number;
  readonly body: JsonValue | RawJson;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, body: JsonValue | RawJson, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

/** JSON that is rendered while it is written, so that its length is not limited by memory. */
export class JsonPieces {
  readonly pieces: Iterable<string> | AsyncIterable<string>;
  constructor(pieces: Iterable<string> | AsyncIterable<string>) {
    this.pieces = pieces;
  }
}

/** Returns the answer for JSON text, in pieces if it is long. */
export function jsonAnswer(text: Text): Answer {
  return typeof text === 'string' ? new RawJson(text) : new JsonPieces(text);
}

/** Reads a file from its beginning to its end. */
export interface ByteReader {
  /** Returns the next bytes, which keep their value until the next call; `undefined` after the last. */
  next(): Promise<Buffer | undefined>;
  close(): void;
}

/** A reply with a file. The request may select a range of it, or no bytes if the file has not changed. */
export class FileReply {
  /** Headers besides those about the length and range. */
  readonly headers: Readonly<Record<string, string>>;
  /** A unique name of the content, in quotes. */
  readonly etag: string;
  readonly length: number;
  /** Opens the bytes from `from` to `to`, which is not included. */
  readonly open: (from: number, to: number) => Promise<ByteReader>;

  constructor(file: Pick<FileReply, 'headers' | 'etag' | 'length' | 'open'>) {
    this.headers = file.headers;
    this.etag = file.etag;
    this.length = file.length;
    this.open = file.open;
  }
}

export interface Call<E extends Endpoint = Endpoint> {
  readonly params: Params<E>;
  readonly query: Query<E>;
  readonly body: Body<E>;
  /** The caller. Absent if the endpoint's access is `none` or `server`, or `optional` and no token was given. */
  readonly caller: E['access'] extends 'none' | 'server'
    ? undefined
    : E['access'] extends 'optional'
      ? Caller | undefined
      : Caller;
  /** The name of the server that has signed the request. Present if the endpoint's access is `server`. */
  readonly origin: E['access'] extends 'server' ? string : undefined;
  /** The access token as it was sent, for endpoints with the access `none` that some callers use with a token. */
  readonly accessToken: string | undefined;
  /** The path that was used, such as `/_matrix/client/v3/sync`. */
  readonly path: string;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  /**
   * Counts actions beyond the request itself, such as the further events of a request.
   * @throws MatrixError `M_LIMIT_EXCEEDED`
   */
  readonly spend: (limit: LimitClass, count: number) => void;
  /** The cancellation of long polls when the client closes the connection. */
  readonly cancellation: Cancellation;
}

export type Answer = JsonObject | RawJson | JsonPieces | Reply | FileReply;

/** An endpoint with the function that serves it. */
export interface Route {
  readonly endpoint: Endpoint;
  readonly handle: (call: Call) => Promise<Answer> | Answer;
}

/** Connects a handler to its endpoint. The types of params, query, body and caller follow from the declaration. */
export function route<E extends Endpoint>(endpoint: E, handle: (call: Call<E>) => Promise<Answer> | Answer): Route {
  return { endpoint, handle };
}
