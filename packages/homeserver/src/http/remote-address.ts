import { BlockList, isIP } from 'node:net';

/** Proxies whose `X-Forwarded-For` header is trusted. */
export type TrustedProxies = BlockList;

/** Parses addresses and ranges (`10.0.0.0/8`). */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return list;
}

/** Returns the address of the client: the last address that is not a trusted proxy's. */
export function remoteAddress(
  socketAddress: string,
  forwardedFor: string | undefined,
  proxies: TrustedProxies,
): string {
  let address = plain(socketAddress);
  if (forwardedFor === undefined) return address;
  const hops = forwardedFor.split(',');
  while (isTrusted(address, proxies)) {
    const before = plain(hops.pop()?.trim() ?? '');
    if (isIP(before) === 0) break;
    address = before;
  }
  return address;
}

function isTrusted(address: string, proxies: TrustedProxies): boolean {
  const version = isIP(address);
  return version !== 0 && proxies.check(address, version === 6 ? 'ipv6' : 'ipv4');
}

/** Returns an address without the prefix that IPv4 addresses have on IPv6 sockets. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
