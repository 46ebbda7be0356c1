import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, test } from 'vitest';
import { startServer } from '../../../../tests/support/server.ts';
import { cert, key } from '../http/certificate.ts';
import { command } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'hearth-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NAME = ['--server-name', 'hearth.test'];
const COMMANDS = ['', 'start', 'create-user', 'check-config', 'doctor', 'media gc'];

/** Returns a separate folder for a test. */
function dataDir(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

const createUser = (path: string, ...more: string[]) =>
  command('create-user', 'alice', '--password', 'wonderland-1', '--data-dir', path, ...NAME, ...more);

describe('the command line', () => {
  test.each(COMMANDS)('lists its commands and its version: %s', async (text) => {
    const words = text.split(' ').filter((word) => word !== '');
    expect(await command(...words, '--help')).toMatch(/^0: Usage: hearth/);
    expect(await command(...words, '--version')).toMatch(/^0: Hearth \d+\.\d+\.\d+\n$/);
  });

  test.each(['nonsense', 'start --nonsense', 'create-user'])('refuses hearth %s', async (text) => {
    expect(await command(...text.split(' '))).toMatch(
      /^2: error: .*\n\(hearth --help lists the commands and options\)\n$/s,
    );
  });

  test('names the mistakes in a configuration and valid values', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'server_name: hearth.test\nregistration:\n  polcy: open\n');
    const said = await command('check-config', '--config', file);
    expect(said).toMatch(/^1: hearth: .*wrong\.yaml:3.*polcy.*policy/s);
    writeFileSync(file, 'server_name: hearth.test\n');
    expect(await command('check-config', '--config', file)).toBe('0: The configuration is valid.\n');
    expect(await command('check-config', '--config', file, '--listen', 'nowhere')).toMatch(/write host:port/);
    expect(await command('check-config', '--config', join(folder, 'missing.yaml'))).toMatch(
      /^1: hearth: .*missing\.yaml/,
    );
  });

  test('reports a certificate and a key that do not belong together', async () => {
    const file = join(folder, 'tls.yaml');
    const check = async (withKey: string) => {
      writeFileSync(join(folder, 'key.pem'), withKey);
      return command('check-config', '--config', file);
    };
    writeFileSync(
      file,
      `server_name: a.test\nlisten: [{address: "a:1", tls: {certificate: cert.pem, key: key.pem}}]\n`,
    );
    expect(await check(key)).toMatch(/^1: hearth: cannot read a certificate or key: .*cert\.pem/);
    writeFileSync(join(folder, 'cert.pem'), cert);
    expect(await check(key)).toBe('0: The configuration is valid.\n');
    expect(await check('no key')).toMatch(
      /^1: hearth: .*cert\.pem and .*key\.pem are not a certificate and its key in PEM format: .*\n$/,
    );
    const { privateKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    expect(await check(privateKey)).toMatch(/^1: hearth: .* are not a certificate and its key/);
  });

  test('creates accounts that can log in, and refuses existing ones', async () => {
    const path = dataDir('accounts');
    expect(await createUser(path, '--admin')).toBe('0: Created @alice:hearth.test as an administrator.\n');
    expect(await createUser(path)).toMatch(/^1: hearth: /);
    expect(await command('create-user', 'Not A Name', '--password', 'x', '--data-dir', path, ...NAME)).toMatch(
      /^1: hearth: /,
    );
    const server = await startServer({ config: { data_dir: path } });
    const identifier = { type: 'm.id.user', user: 'alice' };
    const login = { type: 'm.login.password', identifier, password: 'wonderland-1' };
    const answer = await fetch(`${server.url}/_matrix/client/v3/login`, {
      method: 'POST',
      body: JSON.stringify(login),
    });
    expect(answer.status).toBe(200);
    const profile = await fetch(`${server.url}/_matrix/client/v3/profile/@alice:hearth.test`);
    expect(await profile.json()).toEqual({ displayname: 'alice' });
    expect(await createUser(path)).toMatch(/^1: hearth: .*: stop it first, .*\n$/);
    await server.close();
  });
});

describe('an operator error about unusable data names a remedy', () => {
  test('for a folder that cannot be created', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expect(await createUser(join(file, 'below'))).toMatch(
      /^1: hearth: .*a-file.* cannot be used: .*another data_dir\n$/,
    );
  });

  test.each(['hearth.db', 'hearth.lock'])('for a file %s of another kind', async (name) => {
    const path = dataDir(`else-${name}`);
    writeFileSync(join(path, name), 'something else '.repeat(100));
    expect(await createUser(path)).toBe(
      `1: hearth: ${join(path, name)} cannot be used: file is not a database; move the file away, or choose another data_dir\n`,
    );
  });

  test('for a database of a newer program', async () => {
    const path = dataDir('newer');
    await createUser(path);
    const database = new DatabaseSync(join(path, 'hearth.db'));
    database.exec("INSERT INTO schema_versions (version, name, oldest_compatible) VALUES (9999, 'to come', 9999)");
    database.close();
    expect(await createUser(path)).toMatch(
      /^1: hearth: .* schema version 9999, which this version of Hearth does not support/,
    );
  });

  test('for a database of a server with another name', async () => {
    const path = dataDir('other');
    await createUser(path);
    const said = await command(
      'create-user',
      'bob',
      '--password',
      'x',
      '--data-dir',
      path,
      '--server-name',
      'other.test',
    );
    expect(said).toMatch(/^1: hearth: the data belongs to the server hearth\.test/);
    // The failed command has released the data folder.
    expect(await createUser(path)).toBe('1: hearth: The user name is already taken\n');
  });

  test('for a file that cannot be opened', async () => {
    const path = dataDir('closed');
    mkdirSync(join(path, 'hearth.db'));
    expect(await createUser(path)).toMatch(/^1: hearth: .*hearth\.db cannot be used: .*write permission there\n$/);
  });
});
