import type { IncomingBytes } from '@hearth/api/endpoint.ts';

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGone extends Error {}

/** Of what still comes of a body after the answer this much is thrown away, so that the client gets to read the answer. */
export const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * How long a connection may be idle. Longer than proxies keep theirs, so that it is they who close: the other way round
 * requests get lost.
 */
export const KEEP_ALIVE_MS = 75_000;
/** How long a request may take to arrive: the largest upload over a slow line. */
export const REQUEST_MS = 20 * 60_000;

/** Names and values in turn. */
export interface AnswerHeaders {
  /** Those of many answers, always the same object: it is written out once. */
  readonly shared: readonly string[];
  readonly own: readonly string[];
}

/**
 * A request and the way to answer it: all that the rest of this folder sees of HTTP. After the answer what still comes of
 * the body is read past.
 */
export interface Exchange {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** The address at the other end of the connection. */
  readonly peer: string;
  /** A header's value by its name in lower case. */
  header(name: string): string | undefined;

  /** Bytes of the body as announced: 0 when there is none, `undefined` when only its end will tell. */
  readonly bodyLength: number | undefined;
  /** The whole body if it arrived with the head, so that nothing has to be waited for. */
  readonly bodyAtHand: Buffer | undefined;
  /**
   * Hands over the body as it arrives, see `IncomingBytes`. After a failure what still comes is thrown away.
   * @throws what `take` throws; ClientGone
   */
  readonly receive: IncomingBytes['receive'];

  /** There is nobody to be answered any more. */
  readonly isGone: boolean;
  /** The head of the answer is on its way. */
  readonly hasBegun: boolean;
  /** Calls once, when the whole answer has left or when the client is gone. */
  whenOver(listener: (isAnswered: boolean) => void): void;
  /** Sends an answer. `encoding` is what writes `body` as it is. */
  send(status: number, headers: AnswerHeaders, body: string, encoding: 'latin1' | 'utf8'): void;
  /** Sends the head of an answer, for `write` to send the rest. */
  begin(status: number, headers: AnswerHeaders): void;
  /** Resolves when the chunk has left, or when the client has: only then may its memory be used again. */
  write(chunk: Buffer, isLast: boolean): Promise<void>;
  /** Closes the connection after the answer. */
  closeAfterwards(): void;
  /** Cuts the connection. */
  abort(): void;
}
