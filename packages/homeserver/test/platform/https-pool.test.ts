import type { LookupAddress } from 'node:dns';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OTHER_TLS, SERVER_TLS } from '../../../../tests/support/certificates.ts';
import { trustTestAuthority } from '../../../../tests/support/peer.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Resolve } from '../../src/platform/outbound/dns.ts';
import { HttpsPool, type HttpsTarget } from '../../src/platform/outbound/https-pool.ts';
import { PublicAddresses } from '../../src/platform/outbound/public-addresses.ts';
import { OutboundError, readReply } from '../../src/platform/outbound/reply.ts';
import { ManualClock } from '../support/manual-clock.ts';

const sockets = new Set<Socket>();
let connections = 0;
let server: Server;
let other: Server;
beforeAll(async () => {
  trustTestAuthority();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    if (request.url === '/silent') return;
    response.end(JSON.stringify({ host: request.headers.host, path: request.url, method: request.method }));
  };
  const start = (listening: Server, address: string) =>
    new Promise<Server>((resolve) => listening.listen(0, address, () => resolve(listening)));
  server = await start(createServer(SERVER_TLS, answer), '127.0.0.1');
  server.on('secureConnection', (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
  });
  other = await start(createServer(OTHER_TLS, answer), '127.0.0.1');
});
afterAll(() => {
  for (const one of [server, other]) {
    one.close();
    one.closeAllConnections();
  }
});

const portOf = (listening: Server) => (listening.address() as AddressInfo).port;
const address = (last: number): LookupAddress => ({ address: `127.0.0.${last}`, family: 4 });
const never: Resolve = () => Promise.reject(new Error('not resolved'));

function pool(resolve: Resolve, clock: typeof systemClock = systemClock, allowed = ['127.0.0.1', '127.0.0.7']) {
  return new HttpsPool({ addresses: new PublicAddresses(allowed), resolve, clock });
}

const target = (changes: Partial<HttpsTarget> = {}): HttpsTarget => ({
  host: '127.0.0.1',
  port: portOf(server),
  certificateName: '127.0.0.1',
  hostHeader: 'name.example',
  ...changes,
});

async function send(from: HttpsPool, to: HttpsTarget, path = '/x', signal = new AbortController().signal) {
  const reply = await from.send(to, { method: 'GET', path, headers: {}, body: undefined }, signal);
  return JSON.parse((await readReply(reply, 1000)).toString()) as { host: string; path: string };
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof OutboundError ? error : undefined),
  );

describe('an HTTPS request', () => {
  test('has the given Host header, and the certificate is checked for the IP address', async () => {
    expect(await send(pool(never), target())).toEqual({ host: 'name.example', path: '/x', method: 'GET' });
  });

  test('is made to the target of a service, and the certificate is checked for the delegated name', async () => {
    const resolve: Resolve = (host) => Promise.resolve(host === 'srv.test' ? [address(1)] : []);
    const delegated = target({ host: 'srv.test', certificateName: 'delegated.test' });
    expect(await send(pool(resolve), delegated)).toMatchObject({ host: 'name.example' });
    const error = await failure(send(pool(resolve), target({ host: 'srv.test', certificateName: 'srv.test' })));
    expect(error?.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
    expect(error?.isUnsent).toBe(true);
  });

  test('is refused if the certificate is of another name', async () => {
    const error = await failure(send(pool(never), target({ port: portOf(other) })));
    expect(error?.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('tries the next address if one does not accept connections', async () => {
    const resolve: Resolve = () => Promise.resolve([address(7), address(1)]);
    expect(await send(pool(resolve), target({ host: 'x.test', certificateName: 'localhost' }))).toMatchObject({
      path: '/x',
    });
  });

  test('is not sent to an address that is not permitted, whether resolved or given', async () => {
    const before = connections;
    const resolve: Resolve = () => Promise.resolve([address(2)]);
    for (const host of ['inside.test', '127.0.0.2', '::1', '::ffff:127.0.0.2']) {
      const error = await failure(send(pool(resolve), target({ host, certificateName: 'localhost' })));
      expect([host, error?.isForbidden, error?.isUnsent]).toEqual([host, true, true]);
    }
    expect(connections).toBe(before);
  });

  test('says that it was not sent if there is no connection', async () => {
    const error = await failure(send(pool(never), target({ port: 1 })));
    expect([error?.message, error?.isUnsent]).toEqual(['no answer: ECONNREFUSED', true]);
  });

  test('says that it may have been sent if there is no answer', async () => {
    const controller = new AbortController();
    const sent = failure(send(pool(never), target(), '/silent', controller.signal));
    setTimeout(() => controller.abort(), 200);
    expect(await sent).toMatchObject({ message: 'the answer took too long', isUnsent: false });
  });

  test('closes a connection that takes too long', async () => {
    const clock = new ManualClock();
    const silent: Resolve = () => new Promise(() => {});
    const sent = failure(send(pool(silent, clock), target({ host: 'x.test', certificateName: 'x.test' })));
    await clock.pass(5_000);
    expect(await sent).toMatchObject({ message: 'no connection', isUnsent: true });
  });
});

describe('a connection', () => {
  test('is used again for the next request', async () => {
    const keeping = pool(never);
    await send(keeping, target());
    const before = connections;
    for (let i = 0; i < 5; i++) await send(keeping, target());
    expect(connections).toBe(before);
    keeping.close();
  });

  test('is not used for another certificate name', async () => {
    const resolve: Resolve = () => Promise.resolve([address(1)]);
    const keeping = pool(resolve);
    await send(keeping, target({ host: 'a.test', certificateName: 'localhost' }));
    const error = await failure(send(keeping, target({ host: 'a.test', certificateName: 'a.test' })));
    expect(error?.message).toContain('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('is replaced if the server has closed it while it was idle', async () => {
    const keeping = pool(never);
    for (let i = 0; i < 20; i++) {
      await send(keeping, target());
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    }
    expect(await send(keeping, target())).toMatchObject({ path: '/x' });
  });
});
