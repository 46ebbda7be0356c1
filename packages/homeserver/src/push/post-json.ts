import type { JsonObject, JsonValue } from '@hearth/protocol/json/value.ts';
import type { Clock } from '../platform/clock.ts';

/**
 * Posts JSON to an address that a user has given; `body` is `undefined` for an answer that is no JSON.
 * @throws Error when there is no answer in time, or the address is not one that requests may go to
 */
export type PostJson = (
  url: URL,
  body: JsonObject,
  timeoutMs: number,
) => Promise<{ readonly status: number; readonly body: JsonValue | undefined }>;

const ANSWER_BYTES_MAX = 64 * 1024;

/** Posts with what the runtime has, without following redirects. */
export function plainPostJson(clock: Clock): PostJson {
  return async (url, body, timeoutMs) => {
    const controller = new AbortController();
    const timer = clock.after(timeoutMs, () => controller.abort());
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'manual',
        signal: controller.signal,
      });
      return { status: response.status, body: parse(await bounded(response)) };
    } finally {
      timer.cancel();
    }
  };
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return undefined;
  }
}
