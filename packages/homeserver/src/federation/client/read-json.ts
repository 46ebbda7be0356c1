import { isUtf8 } from 'node:buffer';
import { parseJson } from '@hearth/protocol/json/parse.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { type IncomingReply, OutboundError, readReply } from '../../platform/outbound/reply.ts';

/** The encoding of answers that `readJson` accepts besides none. */
export const ACCEPTED_ENCODING = 'gzip';

/** Reads an answer that has to be a JSON object. Returns undefined for any other. @throws OutboundError */
export async function readJson(reply: IncomingReply, bytesMax: number): Promise<JsonObject | undefined> {
  const sent = await readReply(reply, bytesMax);
  const bytes = reply.header('content-encoding') === ACCEPTED_ENCODING ? await unzip(sent, bytesMax) : sent;
  if (!isUtf8(bytes)) return undefined;
  try {
    const value = parseJson(bytes.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function unzip(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    process.getBuiltinModule('node:zlib').gunzip(bytes, { maxOutputLength: bytesMax }, (error, result) => {
      if (error === null) resolve(result);
      else reject(new OutboundError('the compressed answer is malformed or too long'));
    });
  });
}
