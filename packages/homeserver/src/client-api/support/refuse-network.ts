import { notFound } from '@hearth/protocol/errors.ts';

/** Refuses a request about a third-party network, because only application services connect to one. @throws MatrixError */
export function refuseNetwork(): never {
  throw notFound('This server is not connected to this third-party network');
}
