import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { asString, type JsonObject } from '../../packages/protocol/src/json/value.ts';
import { registrationFiles, registrationOf } from '../support/application-service.ts';
import { pathOf, request } from '../support/client.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { listenAsService, type ServiceListener } from '../support/service-listener.ts';
import type { TestUser } from '../support/user.ts';

const engines = [['SQLite', undefined] as const, ['PostgreSQL', inject('postgresUrl')] as const].filter(
  ([name, postgres]) => name === 'SQLite' || postgres !== undefined,
);

describe.each(engines)('an application service of a server on %s', (_name, postgres) => {
  let irc: ServiceListener;
  let quiet: ServiceListener;
  let server: TestServer;
  let alice: TestUser;
  const bot = () => ({ server, token: 'as-token-of-irc' });
  const bodies = () => irc.events().map(({ content }) => (content as JsonObject).body);
  const typesOf = (listener: ServiceListener) => listener.events().map(({ type }) => type);
  const settled = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 20 });

  beforeAll(async () => {
    [irc, quiet] = [await listenAsService(), await listenAsService()];
    const files = registrationFiles(
      registrationOf('irc', { url: irc.url, receive_ephemeral: true }),
      registrationOf('quiet', { url: `${quiet.url}/bridge/` }),
    );
    server = await startServer({ config: { application_services: files }, postgres });
    alice = await server.user();
  });
  afterEach(() => {
    irc.answer = () => [200, {}];
    quiet.answer = () => [200, {}];
    expect(server.faults).toEqual([]);
  });
  afterAll(async () => {
    await server.close();
    await irc.close();
    await quiet.close();
  });

  /** Creates a room with the bot of the application service in it. */
  async function bridgedRoom(): Promise<string> {
    const { room_id: roomId } = await alice.post<{ room_id: string }>('/createRoom', {
      preset: 'public_chat',
      invite: ['@irc-bot:hearth.test'],
    });
    expect((await request(bot(), 'POST', pathOf('join', roomId), { body: {} })).status).toBe(200);
    return roomId;
  }

  test('gets the events of rooms with its users in order, in the client format, and no others', async () => {
    const { room_id: other } = await alice.post<{ room_id: string }>('/createRoom', {});
    await alice.send(other, 'not for bridges');
    const roomId = await bridgedRoom();
    for (let i = 0; i < 30; i += 1) await alice.send(roomId, `message ${i}`);
    await settled(() => expect(bodies()).toContain('message 29'));
    expect(bodies().filter((body) => body !== undefined)).toEqual(Array.from({ length: 30 }, (_, i) => `message ${i}`));
    expect(irc.events()).toContainEqual(
      expect.objectContaining({
        type: 'm.room.member',
        room_id: roomId,
        state_key: '@irc-bot:hearth.test',
        content: expect.objectContaining({ membership: 'invite' }) as JsonObject,
      }),
    );
    expect(irc.events().every(({ room_id }) => room_id === roomId)).toBe(true);
    const [call] = irc.calls;
    expect(call).toMatchObject({ method: 'PUT', authorization: 'Bearer hs-token-of-irc' });
    expect(call?.path).toMatch(/^\/_matrix\/app\/v1\/transactions\/\d+$/);
    const ids = irc.calls.map(({ path }) => path);
    expect(new Set(ids).size).toBe(ids.length);
    expect(quiet.calls).toEqual([]);
  });

  test('gets the events that it has missed, with the same transaction once more, also after a restart', async () => {
    const roomId = await bridgedRoom();
    await alice.send(roomId, 'while it was up');
    await settled(() => expect(bodies()).toContain('while it was up'));
    const seen = irc.events().length;
    const attempts = () => irc.calls.filter(({ text }) => text.includes('while it was down'));
    irc.answer = () => undefined;
    await alice.send(roomId, 'while it was down');
    await settled(() => expect(attempts().length).toBeGreaterThan(0));
    await alice.send(roomId, 'later');
    await server.restart();
    const before = attempts().length;
    await settled(() => expect(attempts().length).toBeGreaterThan(before));
    irc.answer = () => [500, {}];
    const failed = irc.calls.length;
    await settled(() => expect(irc.calls.length).toBeGreaterThan(failed));
    irc.answer = () => [200, {}];
    await settled(() => expect(bodies()).toContain('later'));
    expect(new Set(attempts().map(({ path, text }) => `${path} ${text}`)).size).toBe(1);
    expect(bodies().slice(seen)).toEqual(['while it was down', 'later']);
  });

  test('gets events while another application service is down', async () => {
    quiet.answer = () => undefined;
    await alice.post('/createRoom', { invite: ['@quiet-bot:hearth.test'] });
    await settled(() => expect(quiet.calls.length).toBeGreaterThan(0));
    const roomId = await bridgedRoom();
    await alice.send(roomId, 'to the other one');
    await settled(() => expect(bodies()).toContain('to the other one'));
    expect(quiet.calls[0]?.path).toMatch(/^\/bridge\/_matrix\/app\/v1\/transactions\//);
    quiet.answer = ({ path }) => (path.startsWith('/bridge/_matrix') ? [404, {}] : [200, {}]);
    await settled(() => expect(typesOf(quiet)).toContain('m.room.member'));
    expect(quiet.calls.at(-1)?.path).toMatch(/^\/bridge\/transactions\/\d+$/);
    // The other one is updated to the current paths.
    quiet.answer = ({ path }) => (path.startsWith('/bridge/_matrix') ? [200, {}] : [404, {}]);
    const older = quiet.events().length;
    await alice.post('/createRoom', { invite: ['@quiet-bot:hearth.test'] });
    await settled(() => expect(quiet.events().length).toBeGreaterThan(older));
    expect(quiet.calls.at(-1)?.path).toMatch(/^\/bridge\/_matrix\/app\/v1\/transactions\/\d+$/);
  });

  test('gets what happens in rooms of its namespaces', async () => {
    const { room_id: roomId } = await alice.post<{ room_id: string }>('/createRoom', { preset: 'public_chat' });
    await alice.send(roomId, 'before the alias');
    const channel = await request(bot(), 'POST', '/createRoom', {
      body: { room_alias_name: '_irc_channel', preset: 'public_chat' },
    });
    const bridged = asString(channel.json.room_id) ?? '';
    await alice.post(pathOf('join', bridged), {});
    await request(bot(), 'POST', pathOf('rooms', bridged, 'leave'), { body: {} });
    await alice.send(bridged, 'by its alias');
    await settled(() => expect(bodies()).toContain('by its alias'));
    expect(bodies()).not.toContain('before the alias');
  });

  test('gets typing notifications, receipts and presence if it wants them', async () => {
    const roomId = await bridgedRoom();
    const eventId = await alice.send(roomId, 'read me');
    await alice.put(pathOf('rooms', roomId, 'typing', alice.userId), { typing: true, timeout: 30_000 });
    await alice.post(pathOf('rooms', roomId, 'receipt', 'm.read', eventId), {});
    await alice.post(pathOf('rooms', roomId, 'receipt', 'm.read.private', eventId), {});
    await alice.put(pathOf('presence', alice.userId, 'status'), { presence: 'online', status_msg: 'bridged' });
    const ephemeral = () => irc.calls.flatMap(({ body }) => (body.ephemeral ?? []) as JsonObject[]);
    await settled(() => {
      const known = JSON.stringify(ephemeral());
      expect(ephemeral()).toContainEqual({ type: 'm.typing', room_id: roomId, content: { user_ids: [alice.userId] } });
      expect(known).toContain('"m.read"');
      expect(known).toContain('"status_msg":"bridged"');
    });
    expect(JSON.stringify(ephemeral())).not.toContain('m.read.private');
    expect(quiet.calls.every(({ body }) => body.ephemeral === undefined)).toBe(true);
  });

  test('gets nothing from before it was added', () => {
    expect(bodies()).not.toContain('not for bridges');
  });
});

test('the queue of an application service that is removed goes with it, also if it was the only one', async () => {
  const irc = await listenAsService();
  const first = await startServer({
    config: { application_services: registrationFiles(registrationOf('irc', { url: irc.url })) },
  });
  const queues = () => first.look('SELECT service FROM application_service_queues');
  expect(await queues()).toEqual([{ service: 'irc' }]);
  await first.stop();
  const second = await startServer({ config: { data_dir: first.dataDir } });
  expect(await queues()).toEqual([]);
  await second.close();
  await irc.close();
});
