import { parseServerName, type ServerName, splitServerName } from '../identifiers/server-name.ts';
import type { JsonObject, JsonValue } from '../json/value.ts';
import { globMatcher, type TextMatcher } from '../matching/glob.ts';

/** Whether a server may take part in a room. */
export type ServerAcl = (server: ServerName) => boolean;

const IPV4 = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;

/**
 * Compiles the content of `m.room.server_acl`; undefined when the room has none, which lets everybody in (client-server
 * API, `m.room.server_acl`). Patterns are matched without regard to case or port. What is malformed counts as missing.
 */
export function compileServerAcl(content: JsonObject | undefined): ServerAcl {
  if (content === undefined) return () => true;
  const isDenied = listMatcher(content.deny);
  const isAllowed = listMatcher(content.allow);
  const refusesIpLiterals = content.allow_ip_literals === false;
  return (server) => {
    const host = splitServerName(server).host.toLowerCase();
    if (refusesIpLiterals && isIpLiteral(host)) return false;
    return !isDenied(host) && isAllowed(host);
  };
}

/** Whether an ACL would shut out a server; to warn or refuse before a user shuts out their own. */
export function wouldShutOut(content: JsonObject, server: string): boolean {
  const name = parseServerName(server);
  return name === undefined || !compileServerAcl(content)(name);
}

/** Long lists are mostly plain names: these are looked up, only patterns are tried one by one. */
function listMatcher(list: JsonValue | undefined): TextMatcher {
  const patterns = Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : [];
  const names = new Set(patterns.map((pattern) => pattern.toLowerCase()));
  const globs = patterns.filter((pattern) => /[*?]/.test(pattern)).map((pattern) => globMatcher(pattern, 'whole'));
  return (host) => names.has(host) || globs.some((matches) => matches(host));
}

function isIpLiteral(host: string): boolean {
  return host.startsWith('[') || IPV4.test(host);
}
