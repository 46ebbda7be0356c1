import { type ServerName, splitServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { HttpsTarget } from '../../platform/outbound/https-pool.ts';
import { directTarget, hasValidPort, hostTarget } from './addresses.ts';
import type { Delegations } from './delegations.ts';
import type { Services } from './services.ts';

/** The names of the service in the DNS. The second is deprecated and still in use. */
const SERVICES = ['_matrix-fed._tcp', '_matrix._tcp'];

/** Finds the targets of server names (server-server API, "Resolving server names"). */
export class Discovery {
  readonly #delegations: Delegations;
  readonly #services: Services;

  constructor(delegations: Delegations, services: Services) {
    this.#delegations = delegations;
    this.#services = services;
  }

  /**
   * Returns the targets of a server in the order in which they are to be tried. The certificate name is never the
   * target of an SRV record. There is no target for a name whose port does not exist.
   */
  async targetsOf(name: ServerName): Promise<HttpsTarget[]> {
    if (!hasValidPort(name)) return [];
    const target = directTarget(name);
    if (target !== undefined) return [target];
    const { host } = splitServerName(name);
    const delegated = await this.#delegations.of(host);
    if (delegated === undefined) return this.#byService(host);
    const delegatedTarget = directTarget(delegated);
    return delegatedTarget === undefined ? this.#byService(delegated) : [delegatedTarget];
  }

  async #byService(host: string): Promise<HttpsTarget[]> {
    for (const service of SERVICES) {
      const records = await this.#services.of(`${service}.${host}`);
      if (records.length > 0) return records.map((record) => hostTarget(host, record.name, record.port));
    }
    return [hostTarget(host)];
  }
}
