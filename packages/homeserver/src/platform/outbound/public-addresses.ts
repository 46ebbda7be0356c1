import ipaddr from 'ipaddr.js';

/** Decides to which addresses requests may go. Loaded only when the server sends requests. */
export class PublicAddresses {
  readonly #allowed: [ipaddr.IPv4 | ipaddr.IPv6, number][];

  /** @param allowed addresses and ranges (`10.0.0.0/8`) that are permitted although they are not public */
  constructor(allowed: readonly string[]) {
    this.#allowed = allowed.map((range) => ipaddr.parseCIDR(range.includes('/') ? range : `${range}/${bitsOf(range)}`));
  }

  /**
   * Returns whether requests may go to this IP address. An IPv4 address in an IPv6 address is checked as the IPv4
   * address.
   */
  allows(address: string): boolean {
    if (!ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return isPublic(parsed) || this.#allowed.some((range) => isIn(parsed, range));
  }
}

/**
 * Returns whether an address is public. For IPv6 only allocated ranges count, while the library accepts every range
 * that is not reserved.
 */
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
