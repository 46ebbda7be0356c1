import { BlockList, isIP } from 'node:net';

/** Proxies whose `X-Forwarded-For` is believed. */
export type TrustedProxies = BlockList;

/** Addresses and ranges (`10.0.0.0/8`) as a list to ask. */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return list;
}

/** The address a request really comes from: the last one that no trusted proxy has put before itself. */
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

/** IPv4 addresses arrive on IPv6 sockets in a mapped form. */
function plain(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
}
