import ipaddr from 'ipaddr.js';

/** Tells addresses that requests may go to from those of private networks. Loaded only where requests go out. */
export class PublicAddresses {
  readonly #allowed: [ipaddr.IPv4 | ipaddr.IPv6, number][];

  /** @param allowed addresses and ranges (`10.0.0.0/8`) that are permitted although they are not public */
  constructor(allowed: readonly string[]) {
    this.#allowed = allowed.map((range) => ipaddr.parseCIDR(range.includes('/') ? range : `${range}/${bitsOf(range)}`));
  }

  /** Whether requests may go to this IP address. IPv4 inside IPv6 counts as what it is. */
  allows(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return isPublic(parsed) || this.#allowed.some((range) => isIn(parsed, range));
  }
}

/** Of IPv6 only what has been given out is public: the library takes all that is not reserved for it. */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.range() === 'unicast' && (address.kind() === 'ipv4' || isIn(address, GLOBAL_UNICAST));
}

const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');

function isIn(address: ipaddr.IPv4 | ipaddr.IPv6, [range, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === range.kind() && address.match(range, bits);
}

function bitsOf(address: string): number {
  return address.includes(':') ? 128 : 32;
}
