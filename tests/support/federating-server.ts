import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_TLS } from './certificates.ts';
import { freePort } from './free-port.ts';
import { FEDERATING, trustTestAuthority } from './peer.ts';
import { type ServerOptions, startServer, type TestServer } from './server.ts';

/** A server that others reach by HTTPS. Its name consists of its loopback address and port. */
export interface FederatingServer extends TestServer {
  readonly name: string;
}

/** Starts a server that federates, on a free port of a loopback address. */
export async function startFederatingServer(
  host: string,
  config: ServerOptions['config'] = {},
): Promise<FederatingServer> {
  trustTestAuthority();
  const folder = mkdtempSync(join(tmpdir(), 'hearth-federation-'));
  const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  writeFileSync(tls.certificate, SERVER_TLS.cert);
  writeFileSync(tls.key, SERVER_TLS.key);
  const name = `${host}:${await freePort()}`;
  const listen = ['127.0.0.1:0', { address: name, tls }];
  const server = await startServer({ config: { ...FEDERATING, ...config, server_name: name, listen } });
  const close = server.close.bind(server);
  return Object.assign(server, {
    name,
    async close() {
      await close();
      rmSync(folder, { recursive: true });
    },
  });
}
