import { matrixError } from '@hearth/protocol/errors.ts';
import type { Exchange } from '../exchange.ts';
import type { FileReply } from '../route.ts';
import { CORS } from './reply.ts';

/** A part of a file. `from` is included, `to` is not. */
interface FilePart {
  readonly from: number;
  readonly to: number;
}

/**
 * Sends a file, or the part of it that the request's conditions and range select (RFC 9110, 13 and 14).
 * @throws MatrixError 416 for a range that the file does not have
 */
export async function sendFile(exchange: Exchange, { headers, etag, length, open }: FileReply): Promise<number> {
  const own = ['ETag', etag];
  const head = { shared: CORS, own };
  for (const [name, value] of Object.entries(headers)) own.push(name, value);
  if (isKnown(exchange.header('if-none-match'), etag)) {
    exchange.send(304, head, '', 'latin1');
    return 304;
  }
  const part = requestedPart(exchange, length, etag);
  const { from, to } = part ?? { from: 0, to: length };
  const status = part === undefined ? 200 : 206;
  own.push('Accept-Ranges', 'bytes', 'Content-Length', `${to - from}`);
  if (part !== undefined) own.push('Content-Range', `bytes ${from}-${to - 1}/${length}`);
  if (exchange.method === 'HEAD' || to === from) {
    exchange.send(status, head, '', 'latin1');
    return status;
  }
  const reader = await open(from, to);
  try {
    let chunk = await reader.next();
    exchange.begin(status, head);
    let sent = 0;
    for (; chunk !== undefined && !exchange.isGone; chunk = await reader.next()) {
      sent += chunk.length;
      await exchange.write(chunk, sent === to - from);
    }
    if (sent !== to - from) exchange.abort();
  } finally {
    reader.close();
  }
  return status;
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

/** Returns the part that the request's range selects. A header that is not a single range of bytes is ignored. */
function requestedPart(exchange: Exchange, length: number, etag: string): FilePart | undefined {
  const [, first = '', last = ''] =
    /^bytes=(\d*)-(\d*)$/.exec(exchange.header('range')?.replaceAll(' ', '') ?? '') ?? [];
  if ((first === '' && last === '') || exchange.method !== 'GET') return undefined;
  const condition = exchange.header('if-range');
  if (condition !== undefined && condition !== etag) return undefined;
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const from = first === '' ? Math.max(0, length - Number(last)) : Number(first);
  const to = first === '' || last === '' ? length : Math.min(length, Number(last) + 1);
  if (from < to) return { from, to };
  throw matrixError('M_INVALID_PARAM', 'The file does not have this range', {
    status: 416,
    headers: { 'Content-Range': `bytes */${length}` },
  });
}
