import type { ClientRequest, IncomingMessage } from 'node:http';

/**
 * The error for a request that was not sent or whose answer was not accepted. Its message is meant for the log and for
 * the caller.
 */
export class OutboundError extends Error {
  /** Whether requests to the address are forbidden. */
  readonly isForbidden: boolean;
  /** Whether no byte of the request was sent, so that another address may be tried. */
  readonly isUnsent: boolean;

  constructor(message: string, isForbidden = false, isUnsent = isForbidden) {
    super(message);
    this.isForbidden = isForbidden;
    this.isUnsent = isUnsent;
  }
}

/** The error for an answer that is not complete in time. */
export class TookTooLong extends OutboundError {}

/** The error for an answer that has arrived, but exceeds a limit of this server. */
export class AnswerOverLimit extends OutboundError {}

/** An answer. The caller reads or closes its body. */
export interface IncomingReply {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly length: number | undefined;
  /** Returns a header's value by its name in lower case. */
  header(name: string): string | undefined;
  /**
   * Returns the bytes as they arrive. The answer is closed when the consumer stops.
   * @throws OutboundError when the answer is incomplete or takes too long
   */
  chunks(): AsyncGenerator<Buffer, void>;
  /** Passes each chunk to `take`. @throws OutboundError when the answer is incomplete or takes too long */
  receive(take: (chunk: Buffer) => Promise<void> | undefined): Promise<void>;
  close(): void;
}

export const USER_AGENT = 'Hearth (Matrix homeserver)';
export const HEADER_BYTES_MAX = 32 * 1024;

/** Resolves when the head of the answer has arrived. */
export function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
  });
}

/** Returns an answer for its consumer. `over` is called when its body was read or closed. */
export function replyOf(response: IncomingMessage, over: () => void): IncomingReply {
  const { headers } = response;
  const length = headers['content-length'];
  const end = () => {
    over();
    // A connection whose answer was read to its end may be used again.
    if (!response.readableEnded) response.destroy();
  };
  const chunks = async function* (): AsyncGenerator<Buffer, void> {
    try {
      for await (const chunk of response) yield chunk;
    } catch {
      throw new OutboundError('the connection closed before the end of the answer');
    } finally {
      end();
    }
  };
  return {
    status: response.statusCode ?? 0,
    contentType: headers['content-type'],
    length: length === undefined ? undefined : Number(length),
    header(name) {
      const value = headers[name];
      return typeof value === 'object' ? value.join(', ') : value;
    },
    chunks,
    async receive(take) {
      for await (const chunk of chunks()) await take(chunk);
    },
    close: end,
  };
}

/**
 * Reads an answer to its end.
 * @throws OutboundError when it is incomplete or takes too long, AnswerOverLimit when it has more than `bytesMax`
 */
export async function readReply(reply: IncomingReply, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  await reply.receive((chunk) => {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new AnswerOverLimit('the answer is too long');
    chunks.push(chunk);
    return undefined;
  });
  return Buffer.concat(chunks);
}

/** Returns the error of a failed request for its caller. */
export function toOutboundError(error: unknown, signal: AbortSignal, isUnsent = false): unknown {
  if (error instanceof OutboundError) return error;
  if (signal.aborted) return tookTooLong(isUnsent);
  if (!(error instanceof Error && 'code' in error)) return error;
  return new OutboundError(`no answer: ${String(error.code)}`, false, isUnsent);
}

/** Returns whether a request was successful. */
export function isSuccess({ status }: { readonly status: number }): boolean {
  return status >= 200 && status < 300;
}

/** Returns whether an error is that of a connection which the other side has closed. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
}

/** Returns the error of an answer that is not complete in time. */
export function tookTooLong(isUnsent = false): TookTooLong {
  return new TookTooLong('the answer took too long', false, isUnsent);
}
