import { isUtf8 } from 'node:buffer';
import { parseJson } from '@hearth/protocol/json/parse.ts';
import { isObject, type JsonObject } from '@hearth/protocol/json/value.ts';
import { type IncomingReply, readReply } from '../../platform/outbound/reply.ts';

/** Reads an answer that has to be a JSON object. Returns undefined for any other. @throws OutboundError */
export async function readJson(reply: IncomingReply, bytesMax: number): Promise<JsonObject | undefined> {
  const bytes = await readReply(reply, bytesMax);
  if (!isUtf8(bytes)) return undefined;
  try {
    const value = parseJson(bytes.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
