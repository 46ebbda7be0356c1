import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { badJson, matrixError, notJson } from '@hearth/protocol/errors.ts';
import { checkJson, JSON_DEPTH_MAX } from '@hearth/protocol/json/parse.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';

/** The client went away before its request was complete: there is nobody to answer. */
export class ClientGone extends Error {}

/** Of a body that is too long this much is read and thrown away, so that the client gets to read the refusal. */
const DISCARDED_BYTES_MAX = 64 * 1024 * 1024;

/** Whether a request has a body. If not, its stream may never say a word, not even that it is at its end. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

/**
 * Reads a request's body to its end.
 * @throws MatrixError `M_TOO_LARGE` when it has more than `bytesMax`
 * @throws ClientGone
 */
export function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> | Buffer {
  if (!hasBody(request)) return NOTHING;
  if (Number(request.headers['content-length']) > DISCARDED_BYTES_MAX) throw tooLong(bytesMax, true);
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= bytesMax) chunks.push(chunk);
      else chunks = [];
      if (length > DISCARDED_BYTES_MAX) reject(tooLong(bytesMax, true));
    });
    let isComplete = false;
    request.on('end', () => {
      isComplete = true;
      if (length > bytesMax) reject(tooLong(bytesMax, false));
      else resolve(chunks[0] !== undefined && chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
    });
    // Every request closes in the end; making an error each time would cost more than reading the body.
    const gone = () => {
      if (!isComplete) reject(new ClientGone());
    };
    request.on('error', gone);
    request.on('close', gone);
  });
}

const NOTHING = Buffer.alloc(0);

/** Reads what still comes of a request that is answered, and ends the connection if that does not end. */
export function discardRest(request: IncomingMessage): void {
  let length = 0;
  request.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length > DISCARDED_BYTES_MAX) request.destroy();
  });
}

function tooLong(bytesMax: number, isClosing: boolean) {
  const headers = isClosing ? { Connection: 'close' } : {};
  return matrixError('M_TOO_LARGE', `The body has more than ${bytesMax} bytes`, { headers });
}

/**
 * A body as a JSON object.
 * @throws MatrixError `M_NOT_JSON`, or `M_BAD_JSON` when it is no object or nested too deeply
 */
export function parseBody(bytes: Buffer, mayBeEmpty: boolean): JsonObject {
  if (bytes.length === 0 && mayBeEmpty) return {};
  if (!isUtf8(bytes)) throw notJson('The body is not UTF-8');
  const value = parse(bytes.toString('utf8'));
  if (!isObject(value)) throw badJson('The body must be a JSON object');
  // What is shorter cannot be deep: each level takes two characters.
  if (bytes.length > 2 * JSON_DEPTH_MAX && !checkJson(value)) throw badJson('The body is nested too deeply');
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notJson('The body is not JSON');
  }
}
