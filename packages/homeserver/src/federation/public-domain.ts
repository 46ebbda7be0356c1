import { parseServerName, splitServerName } from '@hearth/protocol/identifiers/server-name.ts';

/** Top-level domains that are reserved for private use, tests and examples, or are common in private networks. */
const PRIVATE_DOMAINS: ReadonlySet<string> = new Set([
  'alt',
  'arpa',
  'corp',
  'domain',
  'example',
  'home',
  'internal',
  'intranet',
  'invalid',
  'lan',
  'local',
  'localdomain',
  'localhost',
  'onion',
  'private',
  'test',
]);

/** Returns whether a server name is a name that other servers can find by the public DNS. */
export function isPublicDomain(serverName: string): boolean {
  const name = parseServerName(serverName);
  if (name === undefined) return false;
  const labels = splitServerName(name).host.toLowerCase().replace(/\.$/, '').split('.');
  const top = labels.at(-1) ?? '';
  return labels.length > 1 && !labels.includes('') && /^[a-z][a-z0-9-]*$/.test(top) && !PRIVATE_DOMAINS.has(top);
}
