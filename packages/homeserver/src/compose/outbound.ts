import type { Config } from '../config/schema.ts';
import { memoise } from '../platform/caches/memoise.ts';
import type { Clock } from '../platform/clock.ts';
import { systemResolve } from '../platform/outbound/dns.ts';
import { Outbound } from '../platform/outbound/outbound.ts';

/** A function that returns the client for requests to URLs from others. Its libraries are loaded on the first call. */
export type OpenOutbound = () => Promise<Outbound>;

export function outboundOf(config: Config, clock: Clock): OpenOutbound {
  return memoise(async () => {
    const { PublicAddresses } = await import('../platform/outbound/public-addresses.ts');
    const addresses = new PublicAddresses(config.outbound.allowed_addresses);
    return new Outbound({ addresses, resolve: systemResolve, clock });
  });
}
