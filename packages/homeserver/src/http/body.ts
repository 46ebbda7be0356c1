import { isUtf8 } from 'node:buffer';
import { badJson, matrixError, notJson } from '@hearth/protocol/errors.ts';
import { checkJson, JSON_DEPTH_MAX } from '@hearth/protocol/json/parse.ts';
import { isObject, type JsonObject, type JsonValue } from '@hearth/protocol/json/value.ts';
import { DISCARDED_BYTES_MAX, type Exchange } from './exchange.ts';

/**
 * Reads a request's body to its end.
 * @throws MatrixError `M_TOO_LARGE` when it has more than `bytesMax`
 * @throws ClientGone
 */
export function readBody(exchange: Exchange, bytesMax: number): Promise<Buffer> | Buffer {
  const { bodyLength } = exchange;
  if (bodyLength !== undefined && bodyLength > bytesMax) {
    if (bodyLength > DISCARDED_BYTES_MAX) exchange.closeAfterwards();
    throw tooLong(bytesMax);
  }
  return bodyLength === 0 ? NOTHING : collect(exchange, bytesMax);
}

const NOTHING = Buffer.alloc(0);

async function collect(exchange: Exchange, bytesMax: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  await exchange.receive((chunk) => {
    length += chunk.length;
    if (length > bytesMax) throw tooLong(bytesMax);
    chunks.push(chunk);
    return undefined;
  });
  return chunks[0] !== undefined && chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

function tooLong(bytesMax: number) {
  return matrixError('M_TOO_LARGE', `The body has more than ${bytesMax} bytes`);
}

/**
 * Parses a body as a JSON object.
 * @throws MatrixError `M_NOT_JSON`, or `M_BAD_JSON` when it is not an object, is nested too deeply or contains lone
 * surrogates
 */
export function parseBody(bytes: Buffer, mayBeEmpty: boolean): JsonObject {
  if (bytes.length === 0 && mayBeEmpty) return {};
  if (!isUtf8(bytes)) throw notJson('The body is not UTF-8');
  const text = bytes.toString('utf8');
  const value = parse(text);
  if (!isObject(value)) throw badJson('The body must be a JSON object');
  // A shorter body cannot be nested too deeply, because each level takes two characters.
  if (bytes.length > 2 * JSON_DEPTH_MAX && !checkJson(value)) throw badJson('The body is nested too deeply');
  checkSurrogates(text, value);
  return value;
}

/**
 * Checks that a parsed body contains no lone surrogates. Such text cannot be encoded in UTF-8, so an event that
 * contains it could not be signed.
 * @throws MatrixError `M_BAD_JSON`
 */
export function checkSurrogates(text: string, value: JsonObject): void {
  if (mayHaveLoneSurrogates(text) && !isWellFormed(value)) throw badJson('The body contains a lone surrogate');
}

/**
 * Returns whether a text may contain lone surrogates. UTF-8 has no surrogates, so they can only be written as escapes.
 */
function mayHaveLoneSurrogates(text: string): boolean {
  return text.includes('\\ud') || text.includes('\\uD');
}

/** Returns whether all texts and names in a parsed body are well-formed. */
function isWellFormed(value: JsonValue | undefined): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, member]) => name.isWellFormed() && isWellFormed(member));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notJson('The body is not JSON');
  }
}
