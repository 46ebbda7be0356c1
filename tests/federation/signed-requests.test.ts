import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signingKeyFromSeed } from '../../packages/protocol/src/signing/ed25519.ts';
import { authorizeRequest } from '../../packages/protocol/src/signing/request.ts';
import { type RequestOptions, request } from '../support/client.ts';
import { TEST_ENGINES } from '../support/engines.ts';
import { FEDERATING, type Peer, startPeer } from '../support/peer.ts';
import { startServer, type TestServer } from '../support/server.ts';
import type { TestUser } from '../support/user.ts';

const HERE = 'hearth.test';

describe.each(TEST_ENGINES)('a request of another server on $name', ({ postgres }) => {
  let server: TestServer;
  let peer: Peer;
  let denied: Peer;
  let alice: TestUser;
  let path: string;
  beforeAll(async () => {
    peer = await startPeer();
    denied = await startPeer();
    const federation = { ...FEDERATING.federation, deny: ['127.0.0.9', '*.denied.example'] };
    server = await startServer({ postgres, config: { ...FEDERATING, federation } });
    alice = await server.user('alice');
    await alice.put(`/profile/${alice.userId}/displayname`, { displayname: 'Alice' });
    path = `/_matrix/federation/v1/query/profile?user_id=${encodeURIComponent(alice.userId)}`;
  });
  afterAll(async () => {
    await server.close();
    await peer.close();
    await denied.close();
    expect(server.faults).toEqual([]);
  });

  const send = (headers: RequestOptions['headers'], at = path) =>
    request({ server }, 'GET', at, { headers: headers ?? {} });
  const header = (at = path) => peer.sign(HERE, 'GET', at).authorization ?? '';

  test('is answered if it is signed with a key that the server publishes', async () => {
    const { status, json } = await send(peer.sign(HERE, 'GET', path));
    expect([status, json]).toEqual([200, { displayname: 'Alice' }]);
    expect(peer.received.map((one) => one.path)).toEqual(['/_matrix/key/v2/server']);
    const one = `${path}&field=displayname`;
    expect((await send(peer.sign(HERE, 'GET', one), one)).json).toEqual({ displayname: 'Alice' });
    expect(peer.received).toHaveLength(1);
  });

  test('is answered with 404 if there is no such user or field', async () => {
    for (const query of ['user_id=@nobody:hearth.test', `user_id=${alice.userId}&field=avatar_url`]) {
      const at = `/_matrix/federation/v1/query/profile?${query}`;
      const { status, json } = await send(peer.sign(HERE, 'GET', at), at);
      expect([query, status, json.errcode]).toEqual([query, 404, 'M_NOT_FOUND']);
    }
  });

  test('is refused with 400 if its user id is not valid', async () => {
    for (const userId of ['x', '@a:hearth.test:http', '']) {
      const at = `/_matrix/federation/v1/query/profile?user_id=${userId}`;
      const { status, json } = await send(peer.sign(HERE, 'GET', at), at);
      expect([userId, status, json.errcode]).toEqual([userId, 400, 'M_INVALID_PARAM']);
    }
  });

  const parts = () =>
    Object.fromEntries([...header().matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
  const spelled: [string, () => string][] = [
    [
      'parameters in another order',
      () => `X-Matrix sig="${parts().sig}",key="${parts().key}",origin="${parts().origin}",destination="${HERE}"`,
    ],
    [
      'values without quotes',
      () => `X-Matrix origin=${parts().origin},destination=${HERE},key=${parts().key},sig=${parts().sig}`,
    ],
    [
      'spaces and names in capitals',
      () =>
        header()
          .replace('X-Matrix', 'x-matrix  ')
          .replaceAll(',', ' , ')
          .replaceAll(/(\w+)="/g, (_, name: string) => `${name.toUpperCase()} = "`),
    ],
    ['no destination', () => header().replace(/destination="[^"]*",/, '')],
    ['an unknown parameter', () => header().replace('X-Matrix ', 'X-Matrix new="1",')],
    [
      'a second signature by an unknown key',
      () =>
        `${header()
          .replace(/sig="[^"]*"/, 'sig="AAAA"')
          .replace(/key="[^"]*"/, 'key="ed25519:none"')}, ${header()}`,
    ],
  ];
  test.each(spelled)('may have %s in its header', async (_, make) => {
    expect((await send({ authorization: make() })).status).toBe(200);
  });

  const wrongKey = signingKeyFromSeed(new Uint8Array(32).fill(99), 'ed25519:p1');
  const wrong: [string, () => string | undefined][] = [
    ['no header', () => undefined],
    ['a token of a client', () => `Bearer ${alice.token}`],
    ['a malformed header', () => 'X-Matrix origin=,key'],
    ['a signature of another path', () => header(`${path}&field=displayname`)],
    ['a signature for another server', () => peer.sign('other.example', 'GET', path).authorization],
    ['a signature of another method', () => peer.sign(HERE, 'PUT', path).authorization],
    ['a signature of content that it does not have', () => peer.sign(HERE, 'GET', path, {}).authorization],
    ['the name of this server', () => header().replace(peer.name, HERE)],
    ['the name of a server whose keys are not available', () => header().replace(peer.name, '127.0.0.1:1')],
    ['an unknown key', () => header().replace(peer.key.keyId, 'ed25519:unknown')],
    [
      'a signature by a key that is not published',
      () =>
        authorizeRequest(
          { method: 'GET', uri: path, origin: peer.name, destination: denied.name },
          { ...wrongKey, keyId: peer.key.keyId },
        ).replace(denied.name, HERE),
    ],
  ];
  test.each(wrong)('is refused with %s', async (_, make) => {
    const authorization = make();
    const { status, json } = await send(authorization === undefined ? {} : { authorization });
    expect([status, json.errcode]).toEqual([401, 'M_UNAUTHORIZED']);
  });

  test('is refused if the configuration does not permit its origin, before anything is fetched', async () => {
    for (const origin of ['127.0.0.9:8448', 'x.Denied.example']) {
      const { status, json } = await send({ authorization: header().replace(peer.name, origin) });
      expect([status, json.errcode]).toEqual([403, 'M_FORBIDDEN']);
    }
  });

  test('is answered after a restart although the keys of its server are no longer available', async () => {
    await send(peer.sign(HERE, 'GET', path));
    const other = await startPeer();
    expect((await send(other.sign(HERE, 'GET', path))).status).toBe(200);
    await other.close();
    await server.restart();
    expect((await send(other.sign(HERE, 'GET', path))).status).toBe(200);
  });

  test('is answered when many unknown servers send requests at the same time', async () => {
    const peers = await Promise.all(Array.from({ length: 5 }, () => startPeer()));
    const all = peers.flatMap((one) => Array.from({ length: 4 }, () => send(one.sign(HERE, 'GET', path))));
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map(() => 200));
    expect(peers.map(({ received }) => received.length)).toEqual(peers.map(() => 1));
    await Promise.all(peers.map((one) => one.close()));
  });
});

describe('the budget of an address for keys', () => {
  /** The path of a user who does not exist. */
  const path = '/_matrix/federation/v1/query/profile?user_id=@nobody:hearth.test';
  const limited = (burst: number) => ({ ...FEDERATING, rate_limits: { server_keys: { per_second: 0.001, burst } } });
  const statusesOf = async (server: TestServer, headers: readonly Record<string, string>[]) => {
    const statuses = [];
    for (const one of headers) statuses.push((await request({ server }, 'GET', path, { headers: one })).status);
    return statuses;
  };

  test('is used up by requests of servers whose keys are not available', async () => {
    const server = await startServer({ config: limited(3) });
    const headers = Array.from({ length: 5 }, (_, i) => ({
      authorization: `X-Matrix origin="127.0.0.1:${i + 1}",key="ed25519:1",sig="AA"`,
    }));
    expect(await statusesOf(server, headers)).toEqual([401, 401, 401, 429, 429]);
    await server.close();
  });

  test('is used up by the first request of a server and by wrong signatures, and not by other requests', async () => {
    const [server, peer] = [await startServer({ config: limited(3) }), await startPeer()];
    const right = peer.sign(HERE, 'GET', path);
    const wrong = peer.sign(HERE, 'PUT', path);
    const valid = Array.from({ length: 10 }, () => right);
    expect(await statusesOf(server, valid)).toEqual(valid.map(() => 404));
    expect(await statusesOf(server, [wrong, wrong, right, wrong])).toEqual([401, 401, 429, 429]);
    await server.close();
    await peer.close();
  });
});

describe('a notary query over HTTP', () => {
  test('returns the keys of a peer with both signatures, by GET and by POST', async () => {
    const [server, peer] = [await startServer({ config: FEDERATING }), await startPeer()];
    const get = await request({ server }, 'GET', `/_matrix/key/v2/query/${encodeURIComponent(peer.name)}`);
    const post = await request({ server }, 'POST', '/_matrix/key/v2/query', {
      body: { server_keys: { [peer.name]: { [peer.key.keyId]: {} }, [HERE]: {}, '127.0.0.1:1': {} } },
    });
    const signers = (answer: unknown) =>
      (answer as { signatures: object }[]).map(({ signatures }) => Object.keys(signatures).sort());
    expect(signers(get.json.server_keys)).toEqual([[peer.name, HERE].sort()]);
    expect(signers(post.json.server_keys)).toEqual([[peer.name, HERE].sort(), [HERE]]);
    await server.close();
    await peer.close();
  });
});
