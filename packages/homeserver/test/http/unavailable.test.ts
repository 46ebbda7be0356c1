import { expect, inject, onTestFinished, test } from 'vitest';
import { request } from '../../../../tests/support/client.ts';
import { PostgresCluster } from '../../../../tests/support/postgres.ts';
import { startServer } from '../../../../tests/support/server.ts';

/** The maximum time until an answer. Requests wait ten seconds for a database. */
const ANSWERED_MS_MAX = 15_000;

test.skipIf(inject('postgresUrl') === undefined)(
  'answers 503 with Retry-After while the database is unavailable, and works again afterwards',
  { timeout: 60_000 },
  async () => {
    const cluster = await PostgresCluster.start();
    if (cluster === undefined) throw new Error('there is no PostgreSQL');
    onTestFinished(() => cluster.remove());
    const server = await startServer({ config: { database: { url: cluster.url } } });
    const user = await server.user();
    const room = await user.createRoom();
    await user.send(room, 'before');
    await cluster.end('SIGKILL');
    const began = performance.now();
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/during`;
    const send = () => request(user, 'PUT', path, { body: { body: 'during', msgtype: 'm.text' } });
    const refused = await Promise.all([
      send(),
      request(user, 'PUT', `/rooms/${encodeURIComponent(room)}/state/m.room.topic`, { body: { topic: 'during' } }),
      request(user, 'GET', '/_matrix/client/v3/profile/@nobody:hearth.test'),
      request({ server, token: 'not seen yet' }, 'GET', '/_matrix/client/v3/sync'),
    ]);
    for (const { status, json, headers } of [...refused, await send()]) {
      expect([status, json.errcode, json.retry_after_ms]).toEqual([503, 'M_UNKNOWN', 5_000]);
      expect(headers.get('retry-after')).toBe('5');
    }
    expect(performance.now() - began).toBeLessThan(ANSWERED_MS_MAX);
    await cluster.run();
    await expect.poll(async () => (await send()).status).toBe(200);
    const { chunk } = await user.get<{ chunk: { content: { body?: string } }[] }>(
      `/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=2`,
    );
    expect(chunk.map(({ content }) => content.body)).toEqual(['during', 'before']);
    expect(server.faults).toEqual([]);
    await server.close();
  },
);
