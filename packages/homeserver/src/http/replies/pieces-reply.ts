import { nextTurn } from '../../platform/concurrency/in-slices.ts';
import type { Exchange } from '../exchange.ts';
import type { JsonPieces } from '../route.ts';
import { JSON_HEADERS, sendText } from './reply.ts';

/** The number of characters that are collected before they are written. */
const CHUNK_LENGTH = 128 * 1024;

/**
 * Sends JSON in pieces. Each piece is rendered after the previous ones were sent. Stops when the client closes the
 * connection.
 * @throws the error of a renderer
 */
export async function sendPieces(exchange: Exchange, { pieces }: JsonPieces): Promise<number> {
  const iterator = Symbol.iterator in pieces ? pieces[Symbol.iterator]() : pieces[Symbol.asyncIterator]();
  try {
    let { text, isLast } = await collect(iterator);
    // An answer that fits into one chunk is sent with `Content-Length`.
    if (isLast) return sendText(exchange, 200, text);
    exchange.begin(200, { shared: JSON_HEADERS, own: [] });
    while (!exchange.isGone) {
      await exchange.write(Buffer.from(text), isLast);
      if (isLast) break;
      await nextTurn();
      ({ text, isLast } = await collect(iterator));
    }
    return 200;
  } finally {
    await iterator.return?.();
  }
}

/** Renders pieces until there are enough for a chunk. */
async function collect(
  iterator: Iterator<string> | AsyncIterator<string>,
): Promise<{ readonly text: string; readonly isLast: boolean }> {
  let text = '';
  while (text.length < CHUNK_LENGTH) {
    const next = iterator.next();
    const result = next instanceof Promise ? await next : next;
    if (result.done === true) return { text, isLast: true };
    text += result.value;
  }
  return { text, isLast: false };
}
