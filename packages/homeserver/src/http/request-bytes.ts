import type { IncomingMessage } from 'node:http';
import type { IncomingBytes } from '@hearth/api/endpoint.ts';
import { ClientGone, hasBody } from './body.ts';

/** A request's body for handlers that take it as it arrives, however long it is. */
export function requestBytes(request: IncomingMessage): IncomingBytes {
  const { 'content-type': contentType, 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  return {
    contentType,
    length: encoding === undefined ? Number(length ?? 0) : undefined,
    receive: (take) => (hasBody(request) ? receive(request, take) : Promise.resolve()),
  };
}

function receive(request: IncomingMessage, take: (chunk: Buffer) => Promise<void> | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (request.destroyed) throw new ClientGone();
    let isOver = false;
    let taking: Promise<void> | undefined;
    /** What still comes is thrown away, so that the client gets to read the answer. */
    const fail = (error: unknown) => {
      if (isOver) return;
      isOver = true;
      request.resume();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const went = () => fail(new ClientGone());
    request.on('data', (chunk: Buffer) => {
      if (isOver) return;
      try {
        taking = take(chunk);
      } catch (error) {
        fail(error);
      }
      if (taking === undefined || isOver) return;
      request.pause();
      taking.then(() => request.resume(), fail);
    });
    request.on('end', () => {
      const done = () => {
        isOver = true;
        resolve();
      };
      if (taking === undefined) done();
      else taking.then(done, fail);
    });
    request.on('error', went);
    request.on('close', () => {
      if (!request.complete) went();
    });
  });
}
