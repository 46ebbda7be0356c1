import { notFound } from '@hearth/protocol/errors.ts';

/** Answers a request about a third-party network. Without application services there are none. @throws MatrixError */
export function refuseNetwork(): never {
  throw notFound('This server is connected to no such network');
}
