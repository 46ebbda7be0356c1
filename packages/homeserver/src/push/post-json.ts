import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import type { Outbound } from '../platform/outbound/outbound.ts';
import { readReply } from '../platform/outbound/reply.ts';

/**
 * Posts JSON to an address from a user; `body` is `undefined` if the answer is not JSON.
 * @throws Error when there is no answer in time, or requests to the address are not allowed
 */
export type PostJson = (
  url: URL,
  body: JsonObject,
  timeoutMs: number,
) => Promise<{ readonly status: number; readonly body: JsonValue | undefined }>;

const ANSWER_BYTES_MAX = 64 * 1024;

/** Posts with the outbound client, which checks addresses from users. */
export function guardedPostJson(open: () => Promise<Outbound>): PostJson {
  return async (url, json, timeoutMs) => {
    const outbound = await open();
    const reply = await outbound.post(url, JSON.stringify(json), { accept: 'application/json', timeoutMs });
    const body = await readReply(reply, ANSWER_BYTES_MAX);
    return { status: reply.status, body: parse(body.toString('utf8')) };
  };
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
