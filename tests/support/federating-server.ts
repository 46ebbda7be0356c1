import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVER_TLS } from './certificates.ts';
import { freePort } from './free-port.ts';
import { FEDERATING, trustTestAuthority } from './peer.ts';
import { type ServerOptions, startServer, type TestServer } from './server.ts';

const tls = { certificate: join(tmpdir(), 'hearth-test-cert.pem'), key: join(tmpdir(), 'hearth-test-key.pem') };

/** Starts a server that others reach by HTTPS. It is named after its loopback address and port. */
export async function startFederatingServer(
  host: string,
  config: ServerOptions['config'] = {},
): Promise<TestServer & { readonly name: string }> {
  trustTestAuthority();
  writeFileSync(tls.certificate, SERVER_TLS.cert);
  writeFileSync(tls.key, SERVER_TLS.key);
  const name = `${host}:${await freePort()}`;
  const listen = ['127.0.0.1:0', { address: name, tls }];
  const server = await startServer({ config: { ...FEDERATING, ...config, server_name: name, listen } });
  return Object.assign(server, { name });
}
