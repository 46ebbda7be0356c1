import type { LookupAddress, SrvRecord } from 'node:dns';
import { ExpiringCache } from '../caches/expiring-cache.ts';
import type { Clock } from '../clock.ts';
import { Slots } from '../concurrency/slots.ts';

/** A function that returns all addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** A record of type SRV. `name` is the target. */
export type ServiceRecord = SrvRecord;

/** A function that returns the SRV records of a name; an empty list if there are none. */
export type ResolveServices = (name: string) => Promise<readonly ServiceRecord[]>;

/** The resolver of the system, which reads `/etc/hosts`. */
export const systemResolve: Resolve = (host) =>
  process.getBuiltinModule('node:dns').promises.lookup(host, { all: true });

const SERVICE_TIMEOUT_MS = 3_000;
const NO_RECORDS: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA']);

/** The resolver of SRV records, which queries the DNS servers of the system. */
const systemResolveServices: ResolveServices = async (name) => {
  const { Resolver } = process.getBuiltinModule('node:dns').promises;
  try {
    return await new Resolver({ timeout: SERVICE_TIMEOUT_MS, tries: 2 }).resolveSrv(name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && NO_RECORDS.has(error.code)) return [];
    throw error;
  }
};

/** The lookups of names of other servers. */
export interface Dns {
  readonly resolve: Resolve;
  readonly resolveServices: ResolveServices;
}

/** The lookups of the system. */
export const systemDns: Dns = { resolve: systemResolve, resolveServices: systemResolveServices };

/** The time for which addresses are cached. The system does not report how long an address is valid. */
const ADDRESSES_KEPT_MS = 60_000;
const NAMES_MAX = 10_000;
/**
 * The numbers of running and waiting lookups. A lookup occupies one of the four threads that the process shares with
 * file access and password hashes. It takes up to half a minute if a DNS server does not answer.
 */
const LOOKUPS = { running: 2, waiting: 1_000 };

/**
 * Returns a resolver that caches addresses for a minute, coalesces requests for the same name and limits the number of
 * lookups at the same time.
 */
export function cachedResolve(resolve: Resolve, clock: Clock): Resolve {
  const known = new ExpiringCache<readonly LookupAddress[]>(clock, NAMES_MAX);
  const slots = new Slots(LOOKUPS);
  return (host) =>
    known.get(host, async () => ({ value: await slots.run(() => resolve(host)), keptMs: ADDRESSES_KEPT_MS }));
}
