import { isUtf8 } from 'node:buffer';
import { JsonParseError, parseJson } from '@hearth/protocol/json/parse.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { AnswerOverLimit, type IncomingReply, OutboundError, readReply } from '../../platform/outbound/reply.ts';

/** The encoding of answers that `readJson` accepts besides none. */
export const ACCEPTED_ENCODING = 'gzip';

/**
 * Reads an answer that has to be a JSON object. Returns undefined for any other.
 * @throws OutboundError; AnswerOverLimit when the answer is too long, nested too deeply, or has a member twice
 */
export async function readJson(reply: IncomingReply, bytesMax: number): Promise<JsonObject | undefined> {
  const sent = await readReply(reply, bytesMax);
  const bytes = reply.header('content-encoding') === ACCEPTED_ENCODING ? await unzip(sent, bytesMax) : sent;
  if (!isUtf8(bytes)) return undefined;
  try {
    const value = parseJson(bytes.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (!(error instanceof JsonParseError)) throw error;
    if (error.message === 'not JSON') return undefined;
    throw new AnswerOverLimit(`the answer is not acceptable: ${error.message}`);
  }
}

function unzip(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    process.getBuiltinModule('node:zlib').gunzip(bytes, { maxOutputLength: bytesMax }, (error, result) => {
      if (error === null) resolve(result);
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
        reject(new AnswerOverLimit('the answer is too long'));
      else reject(new OutboundError('the compressed answer is malformed'));
    });
  });
}
