import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadConfig, type Overrides } from '../../src/config/load.ts';
import { ConfigError } from '../../src/config/problems.ts';
import { configurationReference } from '../../src/config/reference.ts';

const folder = mkdtempSync(join(tmpdir(), 'hearth-config-'));
const file = join(folder, 'hearth.yaml');
afterAll(() => rmSync(folder, { recursive: true }));

function load(yaml: string, overrides: Overrides = {}, environment: Record<string, string> = {}) {
  writeFileSync(file, yaml);
  return loadConfig(file, overrides, environment);
}

/** Returns the mistakes in a file, each line without the folder. */
async function problems(yaml: string, overrides: Overrides = {}, environment: Record<string, string> = {}) {
  const error = await load(yaml, overrides, environment).catch((thrown: unknown) => thrown);
  if (!(error instanceof ConfigError)) throw new Error('the file was accepted');
  return error.problems.map((problem) => problem.replace(`${folder}/`, ''));
}

describe('a configuration', () => {
  test('may be empty', async () => {
    const config = await load('');
    expect(config).toMatchObject({
      server_name: 'localhost',
      default_room_version: '12',
      registration: { guests: false },
    });
    expect(config.listen.map(({ host, port }) => `${host} ${port}`)).toEqual(['127.0.0.1 8008', '::1 8008']);
    expect(config.data_dir).toBe(join(folder, 'data'));
  });

  test('may have empty sections', async () => {
    expect(await load('registration:\n# guests: true\nlog:\n')).toEqual(await load(''));
  });

  test('may be JSON', async () => {
    expect(await load('{"server_name": "example.org"}')).toMatchObject({ server_name: 'example.org' });
  });

  test('accepts listeners as text or objects', async () => {
    const { listen } = await load(
      'listen:\n  - 8008\n  - "[::]:80"\n  - {address: "a.b:1", tls: {certificate: c, key: /k}}',
    );
    expect(listen).toEqual([
      { host: '127.0.0.1', port: 8008, tls: undefined },
      { host: '::', port: 80, tls: undefined },
      { host: 'a.b', port: 1, tls: { certificate: join(folder, 'c'), key: '/k' } },
    ]);
  });

  test('may disable all rate limits or some', async () => {
    expect((await load('rate_limits: false')).rate_limits).toMatchObject({ login: false, keys: false });
    const { rate_limits } = await load('rate_limits:\n  login: false\n  join: {per_second: 3, burst: 4}');
    expect(rate_limits).toMatchObject({ login: false, join: { per_second: 3, burst: 4 }, event: { burst: 100 } });
  });

  test('reads secrets from the environment', async () => {
    const variables = { HEARTH_DATABASE_URL: 'postgres://db', HEARTH_REGISTRATION_SHARED_SECRET: 's' };
    const config = await load('registration: {shared_secret: file, guests: true}', {}, variables);
    expect(config.database.url).toBe('postgres://db');
    expect(config.registration).toMatchObject({ shared_secret: 's', guests: true });
  });

  test('reads secrets of nested sections from the environment', async () => {
    const s3 = 'media: {s3: {endpoint: "https://s3.test/", bucket: b, access_key: a}}';
    const config = await load(s3, {}, { HEARTH_S3_SECRET_KEY: 'secret' });
    expect(config.media.s3).toMatchObject({ endpoint: 'https://s3.test', access_key: 'a', secret_key: 'secret' });
    expect(await problems('', {}, { HEARTH_S3_SECRET_KEY: 'secret' })).toEqual(
      expect.arrayContaining([expect.stringContaining('media.s3.bucket')]),
    );
  });

  test('contains sizes of thumbnails and a folder for files', async () => {
    const config = await load('media: {thumbnail_sizes: [10x20], folder: files}');
    expect(config.media).toMatchObject({ thumbnail_sizes: [{ width: 10, height: 20 }], folder: join(folder, 'files') });
    expect(await problems('media: {thumbnail_sizes: [10]}')).toHaveLength(1);
    expect(await problems('media: {thumbnail_sizes: [0x10]}')).toHaveLength(1);
  });

  test('is overridden by the command line', async () => {
    const config = await load('server_name: a', { serverName: 'b', dataDir: '/c', listen: ['d:1'] });
    expect(config).toMatchObject({ server_name: 'b', data_dir: '/c', listen: [{ host: 'd', port: 1 }] });
  });
});

describe('an error', () => {
  test.each([
    ['sever_name: a', ["hearth.yaml:1: unknown key 'sever_name': did you mean 'server_name'?"]],
    ['log:\n  colour: red', ["hearth.yaml:2: unknown key 'log.colour': there are level, format"]],
    [
      'log:\n\n  level: loud',
      ['hearth.yaml:3: \'log.level\' cannot be "loud": write debug, info, warn, error or silent'],
    ],
    [
      'passwords: 5',
      ["hearth.yaml:1: 'passwords' cannot be 5: write keys below it: memory_kib, iterations, parallelism"],
    ],
    [
      'server_name: "no spaces"',
      ['hearth.yaml:1: \'server_name\' cannot be "no spaces": write a host name, such as example.org'],
    ],
    [
      'rate_limits:\n  join:\n    burst: 1',
      ["hearth.yaml:2: 'rate_limits.join.per_second' is missing: write a number above 0"],
    ],
    [
      'listen:\n  - address: "a:1"\n    tls: {certificate: c, kee: k}',
      [
        "hearth.yaml:3: 'listen.0.tls.key' is missing: write the path of a PEM file",
        "hearth.yaml:3: unknown key 'listen.0.tls.kee': did you mean 'key'?",
      ],
    ],
    ['a: [', [expect.stringMatching(/^hearth.yaml:1: /)]],
    ['- 1', [expect.stringMatching(/^hearth.yaml:1: /)]],
  ])('for %j names each mistake', async (yaml, expected) => {
    expect(await problems(yaml)).toEqual(expected);
  });

  test('names the option or variable that the value comes from', async () => {
    expect(await problems('', { listen: ['nowhere'] })).toEqual([expect.stringMatching(/^--listen: /)]);
    const secret = await problems('', {}, { HEARTH_DATABASE_URL: 'mysql://secret' });
    expect(secret).toEqual([expect.stringMatching(/^environment variable HEARTH_DATABASE_URL: /)]);
    expect(secret.join()).not.toContain('secret');
  });

  test('names a file that does not exist', async () => {
    await expect(loadConfig(join(folder, 'none.yaml'), {}, {})).rejects.toThrow('cannot read');
  });
});

test('the reference is current (npm run docs)', () => {
  const written = readFileSync(new URL('../../../../docs/operating/configuration.md', import.meta.url), 'utf8');
  expect(written).toBe(configurationReference());
});
