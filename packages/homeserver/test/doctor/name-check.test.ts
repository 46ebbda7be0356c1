import { parseServerName, type ServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { expect, test } from 'vitest';
import { NameCheck } from '../../src/doctor/name-check.ts';
import type { ServiceRecord } from '../../src/platform/outbound/dns.ts';
import { PublicAddresses } from '../../src/platform/outbound/public-addresses.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { ManualClock } from '../support/manual-clock.ts';

const serverName = (text: string) => parseServerName(text) as ServerName;

/** The answers of the network: delegations by host, SRV records by name, addresses by host. */
interface Network {
  readonly delegations?: Readonly<Record<string, string>>;
  readonly services?: Readonly<Record<string, ServiceRecord[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

function check(name: string, { delegations = {}, services = {}, addresses = {} }: Network, expected?: string) {
  const names = new NameCheck({
    fetchDelegation: async (host) => {
      if (delegations[host] === undefined) throw new Error('the answer was 404');
      return { delegatedTo: serverName(delegations[host]), lifetimeMs: 1000 };
    },
    dns: {
      resolve: async (host) => {
        const found = addresses[host];
        if (found === undefined) throw new Error(`${host} is not found`);
        return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      },
      resolveServices: async (service) => {
        if (service.includes('broken')) throw new Error('no answer of the DNS');
        return services[service] ?? [];
      },
    },
    addresses: new PublicAddresses([]),
    clock: new ManualClock(),
    random: systemRandom,
  });
  return names.check(serverName(name), expected);
}

const BOTH = ['8.8.8.8', '2001:4860::1'];
const lines = ({ findings }: Awaited<ReturnType<typeof check>>) =>
  findings.map(({ outcome, subject, text }) => `${outcome} ${subject}: ${text}`);

test('follows a delegation and its SRV record to both addresses', async () => {
  const report = await check('a.org', {
    delegations: { 'a.org': 'b.org' },
    services: { '_matrix-fed._tcp.b.org': [{ name: 'c.org', port: 99, priority: 0, weight: 0 }] },
    addresses: { 'c.org': BOTH },
  });
  expect(lines(report)).toEqual([
    'ok well-known: https://a.org/.well-known/matrix/server delegates to b.org',
    'ok SRV: _matrix-fed._tcp.b.org leads to c.org:99',
    'ok SRV: _matrix._tcp.b.org does not exist',
    'ok address: c.org has the IPv4 address 8.8.8.8',
    'ok address: c.org has the IPv6 address 2001:4860::1',
  ]);
  expect(report.targets.map(({ target, address }) => [address, target.port, target.certificateName])).toEqual(
    BOTH.map((address) => [address, 99, 'b.org']),
  );
});

test('fails if the delegation differs from the configured one', async () => {
  const network = { delegations: { 'a.org': 'b.org:443' }, addresses: { 'b.org': BOTH, 'a.org': BOTH } };
  const [first] = (await check('a.org', network, 'c.org:443')).findings;
  expect(first).toMatchObject({ outcome: 'failed', subject: 'well-known', advice: /delegate_to/ });
  expect((await check('a.org', network, 'b.org:443')).findings[0]?.outcome).toBe('ok');
  expect((await check('a.org', { addresses: network.addresses }, 'b.org:443')).findings[0]).toMatchObject({
    outcome: 'failed',
    text: /does not delegate: the answer was 404/,
  });
});

test('reports a name without an address, private addresses and a missing family', async () => {
  expect(lines(await check('a.org', {})).at(-1)).toBe('failed address: a.org has no address: a.org is not found');
  const report = await check('a.org:8448', { addresses: { 'a.org': ['8.8.8.8', '10.0.0.1'] } });
  expect(lines(report)).toEqual([
    'ok address: a.org has the IPv4 address 8.8.8.8',
    'failed address: a.org has the IPv4 address 10.0.0.1',
    'warning address: a.org has no IPv6 address',
  ]);
  expect(report.targets.map(({ address }) => address)).toEqual(['8.8.8.8']);
});

test('an IP address needs no lookup, and a DNS server that does not answer is a warning', async () => {
  expect(lines(await check('8.8.8.8', { addresses: { '8.8.8.8': ['8.8.8.8'] } }))).toEqual([
    'ok address: 8.8.8.8 has the IPv4 address 8.8.8.8',
  ]);
  const report = await check('broken.org', { addresses: { 'broken.org': BOTH } });
  expect(report.findings.filter(({ outcome }) => outcome === 'warning')).toHaveLength(2);
  expect(report.targets).toHaveLength(2);
});
