import { type ServerName, splitServerName } from '@hearth/protocol/identifiers/server-name.ts';
import type { HttpsTarget } from '../../platform/outbound/https-pool.ts';

/** The port of servers that name no other. */
const DEFAULT_PORT = 8448;
const PORT_MAX = 65_535;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/;

/** Returns whether the port of a name, if it has one, can be connected to. */
export function hasValidPort(name: ServerName): boolean {
  const { port = DEFAULT_PORT } = splitServerName(name);
  return port > 0 && port <= PORT_MAX;
}

/**
 * Returns the target of a name that needs no lookup of a service: an IP address or a host name with a port. Returns
 * undefined for a host name alone.
 */
export function directTarget(name: ServerName): HttpsTarget | undefined {
  const { host, port = DEFAULT_PORT } = splitServerName(name);
  const isBracketed = host.startsWith('[');
  if (!isBracketed && !IPV4.test(host) && host === name) return undefined;
  const address = isBracketed ? host.slice(1, -1) : host;
  return { host: address, port, certificateName: address, hostHeader: name };
}

/** Returns the target of a host name at a port: the port of a service, or the default. */
export function hostTarget(name: string, host = name, port = DEFAULT_PORT): HttpsTarget {
  return { host, port, certificateName: name, hostHeader: name };
}
