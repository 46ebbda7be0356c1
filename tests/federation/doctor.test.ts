import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../../packages/homeserver/test/cli/command.ts';
import { AUTHORITY, SERVER_TLS } from '../support/certificates.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { freePort } from '../support/free-port.ts';
import { FEDERATING, type Peer, type PeerAnswer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';

const folder = mkdtempSync(join(tmpdir(), 'hearth-doctor-'));
const tls = { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
writeFileSync(tls.certificate, SERVER_TLS.cert);
writeFileSync(tls.key, SERVER_TLS.key);
const authority = join(folder, 'authority.pem');
writeFileSync(authority, AUTHORITY);
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a configuration file and returns its path. */
function configFile(config: object): string {
  const path = join(folder, 'hearth.json');
  writeFileSync(path, JSON.stringify(config));
  return path;
}

describe.each(TEST_ENGINES)('hearth doctor with $name', ({ postgres }) => {
  let server: TestServer;
  let config: object;
  beforeAll(async () => {
    const address = `127.0.0.2:${await freePort()}`;
    const listen = ['127.0.0.1:0', { address, tls }];
    server = await startServer({ postgres, config: { ...FEDERATING, server_name: address, listen } });
    const database = server.databaseUrl === undefined ? {} : { database: { url: server.databaseUrl } };
    const outbound = { ...FEDERATING.outbound, trusted_ca_file: authority };
    config = { ...FEDERATING, ...database, outbound, server_name: address, listen, data_dir: server.dataDir };
  });
  afterAll(() => server.close());

  test('finds nothing to change at a running server', async () => {
    const said = await command('doctor', '--config', configFile(config));
    expect(said).toMatch(/^0: /);
    expect(said).not.toMatch(/failed|warning/);
    const subjects = said.split('\n').map((line) => /^(?:0: )?ok +([a-zA-Z ]+):/.exec(line)?.[1]);
    expect(subjects.filter((subject) => subject !== undefined)).toEqual([
      'certificate',
      'disk',
      'database',
      'address',
      'certificate',
      'signing key',
      'clock',
      'version',
    ]);
  });

  test('reports that a stopped server cannot be reached, with the status 1', async () => {
    await server.stop();
    const said = await command('doctor', '--config', configFile(config));
    expect(said).toMatch(/^1: .*failed +connection: 127\.0\.0\.2:\d+ cannot be reached.*\n +Check.*1 check failed/s);
  });
});

describe('hearth doctor with the name of another server', () => {
  let peer: Peer;
  let answer: PeerAnswer = [200, { server: { name: 'Other', version: '1.2' } }];
  const examine = (name: string) => command('doctor', name, '--config', configFile(FEDERATING));
  beforeAll(async () => {
    peer = await startPeer(() => answer);
  });
  afterAll(() => peer.close());

  test('examines it as federation sees it', async () => {
    const said = await examine(peer.name);
    expect(said).toMatch(/^0: ok +address.*ok +certificate.*ok +signing key.*valid until.*ok +version: .* Other 1\.2/s);
    expect(said).not.toMatch(/disk|database/);
  });

  test('reports a certificate for another name, and the key of another server', async () => {
    expect(await examine(`127.0.0.4:${peer.port}`)).toMatch(/^1: .*cannot be reached|reject the certificate/s);
    const said = await examine(`localhost:${peer.port}`);
    expect(said).toMatch(/^1: .*failed +signing key: .*publishes no valid signing key of localhost/s);
  });

  test('reports an answer that is not JSON or not 200', async () => {
    answer = [502, {}];
    expect(await examine(peer.name)).toMatch(/^1: .*failed +answer: .*answered with 502.*\n +Check/s);
  });

  test('refuses a name that is not a server name', async () => {
    expect(await examine('https://example.org')).toMatch(/^1: hearth: https:\/\/example\.org is not a server name/);
  });
});
