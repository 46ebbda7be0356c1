import type { Clock } from '../../src/platform/clock.ts';
import { systemResolve } from '../../src/platform/outbound/dns.ts';
import { Outbound } from '../../src/platform/outbound/outbound.ts';
import { PublicAddresses } from '../../src/platform/outbound/public-addresses.ts';

/** The client for requests to others' addresses, which in tests may go to this machine. */
export function openOutbound(clock: Clock): () => Promise<Outbound> {
  const addresses = new PublicAddresses(['127.0.0.0/8', '::1']);
  return () => Promise.resolve(new Outbound({ addresses, resolve: systemResolve, clock }));
}
