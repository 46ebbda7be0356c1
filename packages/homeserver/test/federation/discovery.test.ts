import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { parseServerName, type ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { SERVER_TLS } from '../../../../tests/support/certificates.ts';
import { trustTestAuthority } from '../../../../tests/support/peer.ts';
import { Delegations } from '../../src/federation/discovery/delegations.ts';
import { Discovery } from '../../src/federation/discovery/discovery.ts';
import { inOrder, Services } from '../../src/federation/discovery/services.ts';
import {
  type Delegation,
  fetchDelegationBy,
  lifetimeOf,
  parseDelegation,
} from '../../src/federation/discovery/well-known.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Outbound } from '../../src/platform/outbound/outbound.ts';
import { PublicAddresses } from '../../src/platform/outbound/public-addresses.ts';
import { type Random, systemRandom } from '../../src/platform/random.ts';
import { ManualClock } from '../support/manual-clock.ts';

beforeAll(trustTestAuthority);

const HOUR_MS = 3_600_000;
const name = (text: string) => parseServerName(text) as ServerName;
const record = (target: string, port: number, priority = 0, weight = 0) => ({ name: target, port, priority, weight });
const nothing = () => Promise.reject(new Error('nothing here'));

/** The answers of the network, by host name and by name of a service. */
interface Network {
  readonly wellKnown?: Readonly<Record<string, string>>;
  readonly services?: Readonly<Record<string, ReturnType<typeof record>[]>>;
}

function discovery({ wellKnown = {}, services = {} }: Network, asked: string[] = []): Discovery {
  const clock = new ManualClock();
  const fetch = (host: string): Promise<Delegation> => {
    asked.push(`https://${host}`);
    const delegatedTo = parseDelegation(wellKnown[host] ?? '');
    return delegatedTo === undefined ? nothing() : Promise.resolve({ delegatedTo, lifetimeMs: HOUR_MS });
  };
  const resolve = (service: string) => {
    asked.push(service);
    return Promise.resolve(services[service] ?? []);
  };
  return new Discovery(new Delegations(fetch, clock), new Services(resolve, clock, systemRandom));
}

const to = (delegated: string) => ({ 'a.example': JSON.stringify({ 'm.server': delegated }) });

describe('a server name', () => {
  test.each<[string, Network, string, string, string]>([
    // The columns are: name, network, address to connect to, certificate name, Host header.
    ['192.0.2.1', {}, '192.0.2.1:8448', '192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:1234', {}, '192.0.2.1:1234', '192.0.2.1', '192.0.2.1:1234'],
    ['[2001:db8::1]', {}, '2001:db8::1:8448', '2001:db8::1', '[2001:db8::1]'],
    ['[2001:db8::1]:99', {}, '2001:db8::1:99', '2001:db8::1', '[2001:db8::1]:99'],
    ['a.example:80', { wellKnown: to('b.example:1') }, 'a.example:80', 'a.example', 'a.example:80'],
    ['a.example', { wellKnown: to('192.0.2.7') }, '192.0.2.7:8448', '192.0.2.7', '192.0.2.7'],
    ['a.example', { wellKnown: to('[::2]:5') }, '::2:5', '::2', '[::2]:5'],
    ['a.example', { wellKnown: to('b.example:443') }, 'b.example:443', 'b.example', 'b.example:443'],
    [
      'a.example',
      { wellKnown: to('b.example'), services: { '_matrix-fed._tcp.b.example': [record('c.example', 7)] } },
      'c.example:7',
      'b.example',
      'b.example',
    ],
    [
      'a.example',
      { wellKnown: to('b.example'), services: { '_matrix._tcp.b.example': [record('c.example', 7)] } },
      'c.example:7',
      'b.example',
      'b.example',
    ],
    [
      'a.example',
      {
        services: {
          '_matrix._tcp.a.example': [record('old.example', 1)],
          '_matrix-fed._tcp.a.example': [record('new.example', 2)],
        },
      },
      'new.example:2',
      'a.example',
      'a.example',
    ],
    ['a.example', { wellKnown: to('b.example') }, 'b.example:8448', 'b.example', 'b.example'],
    [
      'a.example',
      { services: { '_matrix._tcp.a.example': [record('old.example', 1)] } },
      'old.example:1',
      'a.example',
      'a.example',
    ],
    [
      'a.example',
      { services: { '_matrix-fed._tcp.a.example': [record('.', 1)] } },
      'a.example:8448',
      'a.example',
      'a.example',
    ],
    ['a.example', {}, 'a.example:8448', 'a.example', 'a.example'],
    ['999.1.1.1', {}, '999.1.1.1:8448', '999.1.1.1', '999.1.1.1'],
  ])('%s with %j is reached at %s', async (server, network, at, certificateName, hostHeader) => {
    const [target] = await discovery(network).targetsOf(name(server));
    expect(target && [`${target.host}:${target.port}`, target.certificateName, target.hostHeader]).toEqual([
      at,
      certificateName,
      hostHeader,
    ]);
  });

  test.each(['a.example:0', 'a.example:65536', '192.0.2.1:99999'])('has no target with the port of %s', async (bad) => {
    expect(await discovery({}).targetsOf(name(bad))).toEqual([]);
  });

  test('is looked up only as far as necessary', async () => {
    const asked: string[] = [];
    const network = {
      wellKnown: to('b.example'),
      services: { '_matrix-fed._tcp.b.example': [record('c.example', 7)] },
    };
    const server = discovery(network, asked);
    await Promise.all([1, 2, 3].map(() => server.targetsOf(name('a.example'))));
    expect(asked).toEqual(['https://a.example', '_matrix-fed._tcp.b.example']);
    await server.targetsOf(name('a.example:80'));
    expect(asked).toHaveLength(2);
  });
});

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"m.server":1}',
  '{"m.server":"a b"}',
  '{"m.server":"https://b.example"}',
  '{"m.server":"b:0"}',
])('a well-known answer %s delegates to nobody', (text) => {
  expect(parseDelegation(text)).toBeUndefined();
});

test.each<[Record<string, string>, number]>([
  [{}, 24],
  [{ 'cache-control': 'public, max-age=7200' }, 2],
  [{ 'cache-control': 'max-age=7200', age: '3600' }, 1],
  [{ 'cache-control': 'max-age=999999999' }, 48],
  [{ 'cache-control': 'max-age=0' }, 1 / 12],
  [{ 'cache-control': 'No-Store' }, 1 / 12],
  [{ 'cache-control': 'public' }, 24],
  [{ expires: 'Thu, 01 Jan 1970 03:00:00 GMT' }, 3],
  [{ expires: '0' }, 1 / 12],
  [{ expires: 'Thu, 01 Jan 1970 03:00:00 GMT', 'cache-control': 'max-age=3600' }, 1],
])('an answer with the headers %j is used for %d hours', (headers, hours) => {
  expect(lifetimeOf({ header: (header) => headers[header] }, 0)).toBe(hours * HOUR_MS);
});

describe('a fetch of a delegation', () => {
  const fetchFrom = async (answer: RequestListener) => {
    const web = createServer(SERVER_TLS, answer);
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const addresses = new PublicAddresses(['127.0.0.1']);
    const resolve = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    const outbound = new Outbound({ addresses, resolve, clock: systemClock });
    try {
      return await fetchDelegationBy(outbound, () => 0)(`localhost:${(web.address() as AddressInfo).port}`);
    } finally {
      web.close();
      web.closeAllConnections();
    }
  };
  const delegating =
    (headers = {}): RequestListener =>
    (request, response) =>
      request.url === '/.well-known/matrix/server'
        ? response.writeHead(200, headers).end('{"m.server":"b.example"}')
        : response.writeHead(404).end();

  test('reads the name and the lifetime from the answer', async () => {
    expect(await fetchFrom(delegating({ 'cache-control': 'max-age=7200' }))).toEqual({
      delegatedTo: 'b.example',
      lifetimeMs: 2 * HOUR_MS,
    });
  });

  test('follows redirects, and not for ever', async () => {
    const redirect =
      (at: string): RequestListener =>
      (request, response) =>
        request.url === '/.well-known/matrix/server'
          ? response.writeHead(302, { Location: at }).end()
          : response.end('{"m.server":"c.example"}');
    expect(await fetchFrom(redirect('/elsewhere'))).toMatchObject({ delegatedTo: 'c.example' });
    await expect(fetchFrom(redirect('/.well-known/matrix/server'))).rejects.toThrow('redirects');
    await expect(fetchFrom(redirect('http://localhost/'))).rejects.toThrow('not an https URL');
  });

  test.each<[string, RequestListener, string]>([
    ['a status other than 200', (_, response) => response.writeHead(404).end(), '404'],
    ['no name', (_, response) => response.end('<html>'), 'm.server'],
    [
      'too many bytes',
      (_, response) => response.end(`{"m.server":"b.example","x":"${'x'.repeat(60_000)}"}`),
      'too long',
    ],
  ])('fails with %s', async (_, answer, message) => {
    await expect(fetchFrom(answer)).rejects.toThrow(message);
  });
});

describe('the cache of delegations', () => {
  /** Returns delegations whose next answers can be set, and the number of fetches. */
  function cache() {
    const clock = new ManualClock();
    const state = { answer: undefined as Delegation | undefined, fetches: 0 };
    const fetch = () => {
      state.fetches += 1;
      return state.answer === undefined ? nothing() : Promise.resolve(state.answer);
    };
    return { clock, state, delegations: new Delegations(fetch, clock) };
  }
  const answer = { delegatedTo: name('b.example'), lifetimeMs: HOUR_MS };

  test('fetches again when the lifetime has passed', async () => {
    const { clock, state, delegations } = cache();
    state.answer = answer;
    await delegations.of('a');
    clock.skip(HOUR_MS - 1);
    await delegations.of('a');
    expect(state.fetches).toBe(1);
    clock.skip(1);
    state.answer = { ...answer, delegatedTo: name('c.example') };
    expect(await delegations.of('a')).toBe('c.example');
  });

  test('keeps an answer through failures for 48 hours, and no longer', async () => {
    const { clock, state, delegations } = cache();
    state.answer = answer;
    await delegations.of('a');
    state.answer = undefined;
    for (let hours = 1; hours < 48; hours++) {
      clock.skip(HOUR_MS);
      expect(await delegations.of('a')).toBe('b.example');
    }
    clock.skip(HOUR_MS);
    expect(await delegations.of('a')).toBeUndefined();
  });

  test('backs off from a host that fails, for an hour at most', async () => {
    const { clock, state, delegations } = cache();
    for (let minutes = 0; minutes < 24 * 60; minutes++) {
      expect(await delegations.of('a')).toBeUndefined();
      clock.skip(60_000);
    }
    expect(state.fetches).toBeGreaterThan(24);
    expect(state.fetches).toBeLessThan(32);
    state.answer = answer;
    clock.skip(HOUR_MS);
    expect(await delegations.of('a')).toBe('b.example');
  });
});

describe('SRV records', () => {
  const records = fc.array(
    fc.record({
      name: fc.constantFrom('a', 'b', 'c', '.'),
      port: fc.nat(3),
      priority: fc.nat(2),
      weight: fc.nat(65_535),
    }),
  );
  const seeded = (bytes: readonly number[]): Random => ({
    bytes: (length) => Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length] ?? 0),
  });

  test('are all tried, in the order of their priorities', () => {
    fc.assert(
      fc.property(records, fc.uint8Array({ minLength: 4, maxLength: 4 }), (given, bytes) => {
        const ordered = inOrder(given, seeded([...bytes]));
        const usable = given.filter((each) => each.name !== '.' && each.port > 0);
        expect(new Set(ordered)).toEqual(new Set(usable));
        expect(ordered).toHaveLength(usable.length);
        const priorities = ordered.map(({ priority }) => priority);
        expect(priorities).toEqual(priorities.toSorted((a, b) => a - b));
      }),
    );
  });

  test('are chosen by weight if their priority is the same', () => {
    const given = [record('rare', 1, 0, 1), record('often', 1, 0, 99)];
    const first = Array.from({ length: 1000 }, () => inOrder(given, systemRandom)[0]?.name);
    const rare = first.filter((each) => each === 'rare').length;
    expect(rare).toBeGreaterThan(0);
    expect(rare).toBeLessThan(100);
  });

  test('are kept when a later lookup fails', async () => {
    const clock = new ManualClock();
    let works = true;
    const services = new Services(() => (works ? Promise.resolve([record('b', 1)]) : nothing()), clock, systemRandom);
    expect(await services.of('x')).toHaveLength(1);
    works = false;
    clock.skip(24 * HOUR_MS);
    expect(await services.of('x')).toHaveLength(1);
  });
});
