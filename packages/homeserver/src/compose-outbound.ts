import type { Config } from './config/schema.ts';
import { lazily } from './platform/caches/lazily.ts';
import type { Clock } from './platform/clock.ts';
import { Outbound, systemResolve } from './platform/outbound/outbound.ts';

/** Gives the one client for requests to addresses that others have given; what it needs is loaded at the first of them. */
export type OpenOutbound = () => Promise<Outbound>;

export function outboundOf(config: Config, clock: Clock): OpenOutbound {
  return lazily(async () => {
    const { PublicAddresses } = await import('./platform/outbound/public-addresses.ts');
    const addresses = new PublicAddresses(config.outbound.allowed_addresses);
    return new Outbound({ addresses, resolve: systemResolve, clock });
  });
}
