import type { Server } from 'node:http';
import { OperatorError } from '../../platform/operator-error.ts';

interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** The configuration keys of addresses to listen on. */
type Key = 'listen' | 'metrics.listen';

/** Explanations for operators of errors when the server cannot listen on an address, by error code. */
const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['EADDRINUSE', 'is already used by another program'],
  ['EACCES', 'needs more privileges, because only ports from 1024 on are open to every user'],
  ['EADDRNOTAVAIL', 'is not an address of this machine'],
  ['ENOTFOUND', 'is not an address of this machine'],
]);

/** Starts listening on an address. @throws OperatorError, with the error of the system as its cause */
export function listenOn(server: Server, address: ListenAddress, key: Key): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(toOperatorError(error, address, key));
    server.once('error', fail);
    server.listen(address.port, address.host, () => {
      server.off('error', fail);
      resolve();
    });
  });
}

/** Returns the code of the system's error that caused an error of {@link listenOn}. */
export function listenErrorCode(error: unknown): unknown {
  const inner = error instanceof OperatorError ? error.cause : error;
  return inner instanceof Error && 'code' in inner ? inner.code : undefined;
}

function toOperatorError(error: Error, { host, port }: ListenAddress, key: Key): Error {
  const reason = 'code' in error ? REASONS.get(error.code) : undefined;
  if (reason === undefined) return error;
  const remedy = `set ${key === 'listen' ? 'listen or --listen' : key} to another address`;
  return new OperatorError(`${host}:${port} ${reason}: ${remedy}`, { cause: error });
}
