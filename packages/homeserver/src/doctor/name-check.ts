import { type ServerName, splitServerName } from '@hearth/protocol/identifiers/server-name.ts';
import { directTarget } from '../federation/discovery/addresses.ts';
import { Delegations } from '../federation/discovery/delegations.ts';
import { Discovery } from '../federation/discovery/discovery.ts';
import { Services } from '../federation/discovery/services.ts';
import type { Delegation, FetchDelegation } from '../federation/discovery/well-known.ts';
import type { Clock } from '../platform/clock.ts';
import { errorText } from '../platform/error-text.ts';
import type { Dns, ServiceRecord } from '../platform/outbound/dns.ts';
import type { HttpsTarget } from '../platform/outbound/https-pool.ts';
import type { PublicAddresses } from '../platform/outbound/public-addresses.ts';
import type { Random } from '../platform/random.ts';
import type { Finding } from './finding.ts';

interface Parts {
  readonly fetchDelegation: FetchDelegation;
  readonly dns: Dns;
  readonly addresses: PublicAddresses;
  readonly clock: Clock;
  readonly random: Random;
}

/** A target with one of its IP addresses. */
export interface ReachableTarget {
  readonly target: HttpsTarget;
  readonly address: string;
}

export interface NameReport {
  readonly findings: readonly Finding[];
  readonly targets: readonly ReachableTarget[];
}

/** The maximum number of addresses of a server that are examined. */
const ADDRESSES_MAX = 8;

/** Checks how a server name leads to addresses (server-server API, "Resolving server names"). */
export class NameCheck {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Resolves a name in the same way as federation does.
   * @param expected the host to which the name has to delegate, if that is configured
   */
  async check(name: ServerName, expected?: string): Promise<NameReport> {
    const { clock, random } = this.#parts;
    const findings: Finding[] = [];
    const { host } = splitServerName(name);
    const isDirect = directTarget(name) !== undefined;
    const delegation = isDirect ? undefined : await this.#delegationOf(host);
    if (delegation !== undefined) findings.push(delegationFinding(host, delegation, expected));
    const delegatedTo = delegation instanceof Error ? undefined : delegation?.delegatedTo;
    const serviceHost = delegatedTo ?? name;
    const services = new Map<string, readonly ServiceRecord[]>();
    if (directTarget(serviceHost) === undefined) {
      for (const service of [`_matrix-fed._tcp.${serviceHost}`, `_matrix._tcp.${serviceHost}`])
        findings.push(await this.#service(service, services));
    }
    const discovery = new Discovery(
      new Delegations(
        () => (isDelegation(delegation) ? Promise.resolve(delegation) : Promise.reject(delegation)),
        clock,
      ),
      new Services(async (service) => services.get(service) ?? [], clock, random),
    );
    const targets: ReachableTarget[] = [];
    for (const target of await discovery.targetsOf(name)) {
      const { addresses, findings: about } = await this.#addressesOf(target);
      findings.push(...about);
      targets.push(...addresses.map((address) => ({ target, address })));
    }
    return { findings, targets: targets.slice(0, ADDRESSES_MAX) };
  }

  async #delegationOf(host: string): Promise<Delegation | Error> {
    try {
      return await this.#parts.fetchDelegation(host);
    } catch (error) {
      return new Error(errorText(error));
    }
  }

  /** Looks up SRV records, and adds them to `found`. */
  async #service(name: string, found: Map<string, readonly ServiceRecord[]>): Promise<Finding> {
    const subject = 'SRV';
    try {
      const records = await this.#parts.dns.resolveServices(name);
      found.set(name, records);
      const list = records.map((record) => `${record.name}:${record.port}`).join(', ');
      return { outcome: 'ok', subject, text: list === '' ? `${name} does not exist` : `${name} leads to ${list}` };
    } catch (error) {
      const text = `${name} cannot be looked up: ${errorText(error)}`;
      return { outcome: 'warning', subject, text, advice: 'Check the DNS servers of this machine.' };
    }
  }

  async #addressesOf({ host }: HttpsTarget): Promise<{ addresses: string[]; findings: Finding[] }> {
    const subject = 'address';
    let found: readonly { address: string; family: number }[];
    try {
      found = await this.#parts.dns.resolve(host);
    } catch (error) {
      const text = `${host} has no address: ${errorText(error)}`;
      const advice = `Create A and AAAA records for ${host}.`;
      return { addresses: [], findings: [{ outcome: 'failed', subject, text, advice }] };
    }
    const findings = found.map(({ address, family }): Finding => {
      const text = `${host} has the IPv${family} address ${address}`;
      if (this.#parts.addresses.allows(address)) return { outcome: 'ok', subject, text };
      const advice = 'Other servers refuse addresses that are not public. Publish the public address in the DNS.';
      return { outcome: 'failed', subject, text, advice };
    });
    const isLiteral = found.some(({ address }) => address === host);
    for (const family of isLiteral ? [] : [4, 6]) {
      if (found.some((one) => one.family === family)) continue;
      const text = `${host} has no IPv${family} address`;
      const advice = `Servers that have only IPv${family} cannot reach it.`;
      findings.push({ outcome: 'warning', subject, text, advice });
    }
    const usable = found.filter(({ address }) => this.#parts.addresses.allows(address));
    return { addresses: usable.map(({ address }) => address), findings };
  }
}

function isDelegation(delegation: Delegation | Error | undefined): delegation is Delegation {
  return delegation !== undefined && !(delegation instanceof Error);
}

function delegationFinding(host: string, delegation: Delegation | Error, expected: string | undefined): Finding {
  const subject = 'well-known';
  const url = `https://${host}/.well-known/matrix/server`;
  const found = isDelegation(delegation) ? delegation.delegatedTo : undefined;
  if (expected !== undefined && found !== expected) {
    const text = `${url} should delegate to ${expected}, but ${found === undefined ? `does not delegate: ${errorText(delegation)}` : `delegates to ${found}`}`;
    return {
      outcome: 'failed',
      subject,
      text,
      advice: `Forward ${url} to this server, or change federation.delegate_to.`,
    };
  }
  if (found !== undefined) return { outcome: 'ok', subject, text: `${url} delegates to ${found}` };
  return { outcome: 'ok', subject, text: `${url} does not delegate: ${errorText(delegation)}` };
}
