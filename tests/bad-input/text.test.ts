import type { Endpoint } from '@hearth/api/endpoint.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pathOf, request } from '../support/client.ts';
import { startServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const server = await startServer();
afterAll(() => server.close());
const bodies = server.routes.flatMap(({ endpoint }) => (endpoint.body === undefined ? [] : [endpoint]));
let user: TestUser;
beforeAll(async () => {
  user = await server.admin();
});

describe('a lone surrogate', () => {
  test.each(bodies.map((endpoint) => [endpoint.operation, endpoint] as const))(
    'is refused in the body of %s, as text and as a name',
    async (_, endpoint) => {
      const path = (endpoint.paths[0] ?? '').replace(/\{\w+\}/g, 'x');
      for (const rawBody of ['{"a":["x\\ud83d"]}', '{"\\uDE00":1}', '{"a":{"b":"\\ude00\\ud83d"}}']) {
        const options = { rawBody, query: queryOf(endpoint), headers: headersOf(endpoint) };
        const { status, json } = await request(user, endpoint.method, path, options);
        expect([status, json.errcode]).toEqual([400, 'M_BAD_JSON']);
      }
    },
  );

  /** The body of a request of another server is parsed before its signature is verified. */
  const headersOf = ({ access }: Endpoint): Record<string, string> =>
    access === 'server' ? { Authorization: 'X-Matrix origin="a.test",key="ed25519:1",sig="AA"' } : {};

  const queryOf = ({ operation }: { readonly operation: string }) =>
    operation.startsWith('putRoomKey') ? { version: '1' } : {};

  test('is refused in a display name, so that the user can be invited afterwards', async () => {
    const path = `/_matrix/client/v3/profile/${user.userId}/displayname`;
    const { status } = await request(user, 'PUT', path, { rawBody: '{"displayname":"half \\ud83d"}' });
    expect(status).toBe(400);
    expect((await request(user, 'PUT', path, { rawBody: '{"displayname":"whole \\ud83d\\ude00"}' })).status).toBe(200);
    const other = await server.user();
    const room = await other.createRoom();
    await other.invite(room, user.userId);
    await user.join(room);
  });
});

describe('PUT /send without a body', () => {
  const send = (room: string, txnId: string, rawBody: string) =>
    request(user, 'PUT', `/_matrix/client/v3${pathOf('rooms', room, 'send', 'm.room.message', txnId)}`, { rawBody });

  test('repeats the first answer of its transaction', async () => {
    const room = await user.createRoom();
    const first = await send(room, 'once', '{"msgtype":"m.text","body":"x"}');
    expect(first.status).toBe(200);
    expect((await send(room, 'once', '')).json).toEqual(first.json);
  });

  test('is refused without an earlier request', async () => {
    const room = await user.createRoom();
    expect(await send(room, 'never', '')).toMatchObject({ status: 400, json: { errcode: 'M_NOT_JSON' } });
  });
});
