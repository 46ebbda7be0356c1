import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { readApplicationServices } from '../../src/compose/application-services.ts';
import { type Config, configSchema } from '../../src/config/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'hearth-registrations-'));
let count = 0;
function fileWith(text: string): string {
  count += 1;
  const file = join(folder, `${count}.yaml`);
  writeFileSync(file, text);
  return file;
}

const read = (...files: string[]) =>
  readApplicationServices(
    v.parse(configSchema, { server_name: 'hearth.test', application_services: files }) satisfies Config,
  );
const problem = async (...files: string[]) => {
  try {
    await read(...files);
  } catch (error) {
    return error instanceof Error ? error.message : undefined;
  }
  return undefined;
};

const bridge = (name: string, more = '') => `
id: ${name}
url: http://localhost:9000/bridge/
as_token: as-${name}
hs_token: hs-${name}
sender_localpart: ${name}bot
namespaces:
  users:
    - exclusive: true
      regex: '@${name}_.+:hearth\\.test'
  aliases: []
  rooms: null
de.sorunome.msc2409.push_ephemeral: true
org.matrix.msc3202: true
${more}`;

describe('a registration file', () => {
  test('is read as bridges write it', async () => {
    const services = await read(fileWith(bridge('irc')));
    const [service] = services.all;
    expect(service).toMatchObject({
      id: 'irc',
      url: 'http://localhost:9000/bridge',
      senderId: '@ircbot:hearth.test',
      isRateLimited: true,
      receivesEphemeral: true,
      protocols: [],
    });
    expect(services.byToken('as-irc')).toBe(service);
    expect(service?.users.has('@irc_x:hearth.test')).toBe(true);
    expect(service?.users.has('x@irc_x:hearth.test')).toBe(false);
    if (service === undefined) return;
    expect(services.ownsUser(service, '@ircbot:hearth.test')).toBe(true);
    expect(services.ownsUser(service, '@irc_x:elsewhere.test')).toBe(false);
  });

  test('may have no URL', async () => {
    const texts = ['url: null', "url: ''"].map((url) => bridge('irc').replace(/url: .*/, url));
    for (const text of texts) expect((await read(fileWith(text))).all[0]?.url).toBeUndefined();
  });

  test('is refused with the line of a mistake', async () => {
    const file = fileWith(bridge('irc').replace('sender_localpart: ircbot\n', '').replace('regex: ', 'regex: "(" #'));
    expect((await problem(file))?.split('\n').toSorted()).toEqual([
      `${file}:1: sender_localpart is missing`,
      `${file}:9: namespaces.users.0.regex must be a regular expression`,
    ]);
    const [ftp] = [fileWith(bridge('irc').replace('http:', 'ftp:'))];
    expect(await problem(ftp)).toBe(`${ftp}:3: url must be an http or https URL, or null`);
    expect(await problem(join(folder, 'absent.yaml'))).toMatch(/^cannot read the registration .*ENOENT/);
  });

  test('is refused when another one has the same id, token or sender', async () => {
    const first = fileWith(bridge('irc'));
    const second = (from: string, to: string) => fileWith(bridge('slack').replace(from, to));
    expect(await problem(first, second('id: slack', 'id: irc'))).toMatch(/the same id/);
    expect(await problem(first, second('as-slack', 'as-irc'))).toMatch(/the same as_token/);
    expect(await problem(first, second('slackbot', 'ircbot'))).toMatch(/the same sender_localpart/);
    expect((await read(first, fileWith(bridge('slack')))).all).toHaveLength(2);
  });
});
