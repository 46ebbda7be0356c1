import type { IncomingMessage, ServerResponse } from 'node:http';
import { matrixError } from '@hearth/protocol/errors.ts';
import { CORS } from './reply.ts';
import type { FileReply } from './route.ts';

/** A part of a file: from its first byte up to, but not including, its last. */
interface Part {
  readonly from: number;
  readonly to: number;
}

/**
 * Sends a file, or what of it the request's conditions and range ask for (RFC 9110, 13 and 14).
 * @throws MatrixError 416 for a range that the file does not have
 */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { headers, etag, length, open }: FileReply,
): Promise<number> {
  const head = [...CORS, 'ETag', etag];
  for (const [name, value] of Object.entries(headers)) head.push(name, value);
  if (isKnown(request.headers['if-none-match'], etag)) {
    response.writeHead(304, head).end();
    return 304;
  }
  const part = requestedPart(request, length, etag);
  const { from, to } = part ?? { from: 0, to: length };
  const status = part === undefined ? 200 : 206;
  head.push('Accept-Ranges', 'bytes', 'Content-Length', `${to - from}`);
  if (part !== undefined) head.push('Content-Range', `bytes ${from}-${to - 1}/${length}`);
  if (request.method === 'HEAD' || to === from) {
    response.writeHead(status, head).end();
    return status;
  }
  const reader = await open(from, to);
  try {
    let chunk = await reader.next();
    response.writeHead(status, head);
    for (let sent = 0; chunk !== undefined && !response.destroyed; chunk = await reader.next()) {
      sent += chunk.length;
      await send(response, chunk, sent === to - from);
    }
    if (!response.writableEnded) response.destroy();
  } finally {
    reader.close();
  }
  return status;
}

/** Resolves when the chunk has left, or when the client has: only then may its memory be used again. */
function send(response: ServerResponse, chunk: Buffer, isLast: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const done = () => {
      response.off('close', done);
      resolve();
    };
    response.once('close', done);
    if (isLast) response.end(chunk, done);
    else response.write(chunk, done);
  });
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

/** What is no single range of bytes is as if it were not there. */
function requestedPart({ headers, method }: IncomingMessage, length: number, etag: string): Part | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.range?.replaceAll(' ', '') ?? '') ?? [];
  if ((first === '' && last === '') || method !== 'GET') return undefined;
  const condition = headers['if-range'];
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
